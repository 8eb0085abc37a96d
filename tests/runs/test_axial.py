"""A stack is upscaled along Y and X by a network, and along Z by interpolation."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import enlarge_z
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.files.lazy_image import Axis
from napari_sr.runs.axial import Axial, check_room, ratio_of, remark_on

HOW = {"device": "cpu", "engine": "torch"}


@pytest.mark.parametrize("axes", ["ZYX", "TZYX", "ZYXS"])
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_the_result_is_that_of_each_plane_interpolated_along_z(axes, kind, random):
    shape = [{"T": 2, "Z": 4, "Y": 14, "X": 16, "S": 3}[axis] for axis in axes]
    image = (255 * random.random(shape)).astype(kind)
    how = {**HOW, "axes": axes, "value_range": (0, 255)}
    planes = napari_sr.upscale(image.astype(np.float32), "fsrcnn", 2, **how)

    found = napari_sr.upscale(image, "fsrcnn", 2, axial=2.5, **how)

    expected = enlarge_z(planes, axes.index("Z"), Fraction(5, 2), np.dtype(kind))
    assert found.dtype == kind
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.astype(float), expected.astype(float), atol=1e-3)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_the_enlargement_may_be_a_number_of_numpy(kind):
    stack = np.zeros((2, 8, 9), np.float32)

    assert napari_sr.upscale(stack, "bicubic", 2, axial=kind(3), axes="ZYX", **HOW).shape[0] == 6


def test_a_smooth_function_of_space_lies_at_its_place_along_all_axes():
    def sampled(depth, size, across):
        z = (np.arange(depth * across[0]) + 0.5) / across[0] - 0.5
        y = x = (np.arange(size * across[1]) + 0.5) / across[1] - 0.5
        wave = np.sin(z / 3)[:, None, None] + np.cos(y / 4)[:, None] + np.sin(x / 5 + 1)
        return wave.astype(np.float32)

    found = napari_sr.upscale(
        sampled(20, 24, (1, 1)), "bicubic", 2, axes="ZYX", value_range=(-3, 3), axial=3, **HOW
    )

    inside = slice(9, -9), slice(6, -6), slice(6, -6)
    np.testing.assert_allclose(found[inside], sampled(20, 24, (3, 2))[inside], atol=4e-3)


def test_a_region_is_enlarged_along_z_too(random):
    image = random.random((3, 20, 24)).astype(np.float32)
    region = (4, 12), (6, 18)

    part = napari_sr.upscale(image, "fsrcnn", 2, axial=2, region=region, **HOW)

    whole = napari_sr.upscale(image, "fsrcnn", 2, axial=2, **HOW)
    np.testing.assert_allclose(part, whole[:, 8:24, 12:36], atol=1e-5)


def test_a_wrong_way_or_place_is_refused():
    image = np.zeros((3, 8, 8), np.float32)

    with pytest.raises(ValueError, match="without region"):
        napari_sr.upscale(image, "fsrcnn", 2, axial=2, axial_by="network", region=((0, 8), (0, 8)))
    with pytest.raises(ValueError, match="axial_by must be one of interpolation, network, got 'x'"):
        napari_sr.upscale(image, "fsrcnn", 2, axial=2, axial_by="x")
    with pytest.raises(ValueError, match="an axis Z, got the axes YX"):
        napari_sr.upscale(image[0], "fsrcnn", 2, axial=2)
    with pytest.raises(ValueError, match="needs an image of floats, got uint8"):
        napari_sr.upscale(image.astype("u1"), "fsrcnn", 2, axial=2, outliers="mark")


def blob(shape, centre, sigma, factors=(1, 1, 1)):
    """Sample a Gaussian blob; its centre and width are in pixels of the source."""
    places = [
        (np.arange(size * factor) + 0.5) / factor - 0.5
        for size, factor in zip(shape, factors, strict=True)
    ]
    grids = np.meshgrid(*places, indexing="ij")
    parts = (((g - c) / s) ** 2 for g, c, s in zip(grids, centre, sigma, strict=True))
    return np.exp(-sum(parts) / 2).astype(np.float32)


def centroid(stack, factors):
    """Return the centre of mass in pixels of the source."""
    weights = (stack.astype(float) - 0.25).clip(0)
    found = [
        (weights * index).sum() / weights.sum() for index in np.indices(stack.shape, sparse=True)
    ]
    return [(at + 0.5) / factor - 0.5 for at, factor in zip(found, factors, strict=True)]


@pytest.mark.parametrize("by", ["interpolation", "network"])
@pytest.mark.parametrize("axial", [2, 3, 1.5])
@pytest.mark.parametrize("axes", ["ZYX", "TZYX", "ZYXS", "YZX"])
def test_a_blob_stays_where_it_is_to_a_fortieth_of_a_pixel(by, axial, axes):
    centre, sigma = (4.3, 6.8, 8.4), (1.1, 1.6, 1.4)
    stack = 0.2 + 0.6 * blob((10, 14, 18), centre, sigma)
    # as arrays with all axes T, Z, Y, X, S, reordered and without those that are missing
    whole = np.repeat(stack[None, ..., None], 3 if "S" in axes else 1, -1)
    order = ["TZYXS".index(axis) for axis in axes]
    rest = [axis for axis in range(5) if axis not in order]
    stack = whole.transpose(*order, *rest).reshape([whole.shape[axis] for axis in order])

    found = napari_sr.upscale(stack, "fsrcnn", 2, axes=axes, axial=axial, axial_by=by, **HOW)

    found = found[tuple(slice(None) if axis in "ZYX" else 0 for axis in axes)]
    found = found.swapaxes(0, 1) if axes == "YZX" else found
    assert found.shape == (int(10 * axial), 28, 36)
    np.testing.assert_allclose(centroid(found, (axial, 2, 2)), centre, atol=0.025)


def test_a_stack_that_does_not_fit_is_refused_before_memory_runs_out():
    layout = layout_of((640, 100_000, 100_000), np.uint8, "ZYX")

    with pytest.raises(OutOfMemoryError, match=r"enlarged 64 times along Z, needs 409600\.0 GB"):
        check_room(layout, Fraction(64))
    check_room(layout_of((6, 10, 10), np.uint8, "ZYX"), Fraction(64))


def test_pixel_sizes_say_whether_z_is_coarse():
    places = {"Z": Axis(500, unit="nanometer"), "X": Axis(0.25, unit="micrometer")}
    assert ratio_of(places) == pytest.approx(2)
    assert ratio_of({"Z": Axis(3), "X": Axis(2)}) == 1.5
    assert ratio_of({"Z": Axis(3, unit="micrometer"), "X": Axis(2)}) is None
    assert ratio_of({"X": Axis(2)}) is None

    assert remark_on(2, Axial(4), 2) == ""
    assert remark_on(2, Axial(3), 2).startswith("with Z enlarged 3 times, planes are 1.33 pixels")
    assert remark_on(0.2, Axial(1), 2).endswith("no cubes")
    assert "unknown" in remark_on(None, Axial(2, "network"), 2)
    with pytest.raises(ValueError, match=r"their distance is 0\.9 pixels"):
        remark_on(0.9, Axial(2, "network"), 2)


def test_the_recorded_factor_is_the_one_that_is_computed():
    """0.3 / 0.1 is not exactly 3; positions are computed from the record."""
    assert Axial(2 * 0.3 / 0.1).record == {"axial": 6.0, "axial_by": "interpolation"}
    assert Axial(2.7777).record["axial"] == 2.7777
