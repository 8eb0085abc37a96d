"""A stack is upscaled along Y and X by a network, and along Z by interpolation."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import enlarge_z
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.runs.axial import check_room

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


def test_blocks_and_images_without_z_are_refused():
    image = np.zeros((3, 8, 8), np.float32)

    with pytest.raises(ValueError, match="axial needs a result in memory"):
        napari_sr.upscale(image, "fsrcnn", 2, axial=2, out=np.zeros((3, 16, 16), np.float32))
    with pytest.raises(ValueError, match="an axis Z, got the axes YX"):
        napari_sr.upscale(image[0], "fsrcnn", 2, axial=2)


def test_a_stack_that_does_not_fit_is_refused_before_memory_runs_out():
    layout = layout_of((640, 100_000, 100_000), np.uint8, "ZYX")

    with pytest.raises(OutOfMemoryError, match=r"enlarged 64 times along Z, needs 409600\.0 GB"):
        check_room(layout, Fraction(64))
    check_room(layout_of((6, 10, 10), np.uint8, "ZYX"), Fraction(64))
