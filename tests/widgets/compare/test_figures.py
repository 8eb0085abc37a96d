"""PSNR, SSIM and errors against a reference."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_sr.evaluation import psnr, ssim
from napari_sr.runs.words import TIMES
from napari_sr.widgets.compare.figures import error_arguments, errors_of, judge, misfit
from napari_sr.widgets.compare.shown_plane import shown_plane


@pytest.fixture
def plane_of(viewer):
    """Return a function that adds a layer, and returns what is shown of it."""

    def add(pixels, **arguments):
        layer = viewer.add_image(pixels, **arguments)
        return shown_plane(layer, viewer.dims)

    return add


def test_figures_are_those_of_the_evaluation(plane_of, random):
    truth = random.integers(0, 255, (20, 24, 3), np.uint8)
    result = np.clip(truth + random.integers(-9, 9, truth.shape), 0, 255).astype(np.uint8)

    said = judge({"After": plane_of(result, rgb=True)}, plane_of(truth, rgb=True))

    expected = f"PSNR {psnr(result, truth):.2f} dB, SSIM {ssim(result, truth):.4f}"
    assert said.splitlines() == [
        f"After: {expected}", "Black is 0 and white is 255, as in the reference.",
    ]  # fmt: skip


def test_black_and_white_are_contrast_limits_where_the_type_says_nothing(plane_of, random):
    truth = random.integers(0, 4095, (20, 24)).astype(np.uint16)
    result = truth + random.integers(0, 90, truth.shape).astype(np.uint16)

    said = judge({"After": plane_of(result)}, plane_of(truth, contrast_limits=(0, 4095)))

    value = psnr(result, truth, value_range=(0, 4095))
    assert f"PSNR {value:.2f} dB" in said
    assert "white is 4095" in said


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((10, 12), np.uint8), f"10 {TIMES} 12 px, but the reference has 20 {TIMES} 24 px"),
        (np.zeros((20, 24, 3), np.uint8), "colour, but the reference is grey"),
        (np.zeros((20, 24), np.uint16), "uint16, but the reference is uint8"),
    ],
)
def test_what_does_not_fit_gets_no_figures_but_a_reason(plane_of, pixels, words):
    given = plane_of(pixels, rgb=pixels.ndim == 3)

    said = judge({"Before": given}, plane_of(np.zeros((20, 24), np.uint8)))

    assert said.splitlines()[0] == f"Before: {words}: no figures."


def test_a_plane_without_values_does_not_hide_the_figures_of_another(plane_of, random):
    truth = random.random((20, 24), np.float32)
    missing = np.full_like(truth, np.nan)

    said = judge({"Before": plane_of(missing), "After": plane_of(truth)}, plane_of(truth))

    before, after, _ = said.splitlines()
    assert before.startswith("Before: no figures: 480 of 480 values are NaN")
    assert after == "After: PSNR inf dB, SSIM 1.0000"


def test_limits_that_cut_the_reference_off_are_named(plane_of):
    truth = np.linspace(0, 500, 480).reshape(20, 24).astype(np.uint16)

    said = judge({"After": plane_of(truth)}, plane_of(truth, contrast_limits=(100, 400)))

    assert "values from 0 to 500: widen its contrast limits, which are 100 and 400" in said


def test_a_small_plane_has_no_ssim(plane_of):
    said = judge(
        {"After": plane_of(np.ones((5, 6), np.uint8))}, plane_of(np.zeros((5, 6), np.uint8))
    )

    assert said.startswith("After: PSNR 48.13 dB\n")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("rgb", [False, True])
def test_errors_are_after_minus_reference_in_all_planes(plane_of, random, lazy, rgb):
    shape = (3, 8, 9, 4) if rgb else (3, 8, 9)  # alpha does not count
    pair = [random.integers(0, 255, shape, np.uint8) for _ in range(2)]
    first, second = (
        plane_of(da.from_array(each, chunks=(1, *shape[1:])) if lazy else each, rgb=rgb)
        for each in pair
    )

    errors = errors_of(first, second)

    difference = pair[0].astype(float) - pair[1]
    expected = difference[..., :3] @ (0.299, 0.587, 0.114) if rgb else difference
    np.testing.assert_allclose(np.asarray(errors.pixels), expected, atol=0.01)
    assert errors.pixels.dtype == np.float32
    assert 0.9 * np.abs(expected).max() < errors.limit <= 255


def test_equal_layers_have_a_map_that_can_be_shown(plane_of):
    same = np.full((4, 5), 7, np.uint8)

    errors = errors_of(plane_of(same), plane_of(same.copy()))

    assert errors.limit == 1.0
    assert not errors.pixels.any()


def test_the_map_lies_exactly_on_the_result(viewer, random):
    place = {"scale": (0.5, 0.2), "translate": (3, 4), "rotate": 20, "units": ("um", "um")}
    after, reference = (
        viewer.add_image(random.integers(0, 255, (8, 9), np.uint8), name=name, **place)
        for name in ("after", "truth")
    )
    errors = errors_of(shown_plane(after, viewer.dims), shown_plane(reference, viewer.dims))

    layer = viewer.add_image(errors.pixels, **error_arguments(after, reference, errors))

    np.testing.assert_allclose(layer.extent.world, after.extent.world)
    assert layer.units == after.units
    assert layer.name == "after minus truth"
    assert tuple(layer.contrast_limits) == (-errors.limit, errors.limit)
    colours = layer.colormap.map(np.array([0, 0.5, 1]))
    assert colours[1, :3].max() == 0  # no error is black
    assert colours[0, 2] > colours[0, 0]  # negative is blue
    assert colours[2, 0] > colours[2, 2]  # positive is red


def test_layers_of_other_shapes_are_refused(viewer):
    first = viewer.add_image(np.zeros((2, 4, 5)))
    second = viewer.add_image(np.zeros((4, 5, 3)), rgb=True)

    assert misfit(first, first) is None
    assert misfit(first, second) == (
        "An error map needs layers of equal shape, got "
        f"2 {TIMES} 4 {TIMES} 5 grey and 4 {TIMES} 5 RGB."
    )
