from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import Nearest

import napari_sr
from napari_sr.api import request_of
from napari_sr.engine.planning.settings import Settings


def test_the_default_needs_nothing_and_enlarges_twice(random):
    image = random.integers(0, 65535, (20, 24)).astype(np.uint16)

    result = napari_sr.upscale(image)

    assert (result.shape, result.dtype) == ((40, 48), np.uint16)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_default_comes_in_three_scales_and_keeps_a_smooth_image(scale):
    y, x = np.mgrid[0:40, 0:40] / 40
    image = (128 + 80 * np.sin(3 * y) * np.cos(2 * x)).astype(np.float32) / 255

    result = napari_sr.upscale(image, scale=scale)

    large_y, large_x = ((np.mgrid[0 : 40 * scale, 0 : 40 * scale] + 0.5) / scale - 0.5) / 40
    expected = (128 + 80 * np.sin(3 * large_y) * np.cos(2 * large_x)) / 255
    inside = slice(8 * scale, -8 * scale)
    # no half-pixel shift, no change of brightness: within two grey levels of the formula
    assert np.abs(result - expected)[inside, inside].max() < 2 / 255


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("level", [0.0, 0.02, 0.06, 0.5, 0.96, 1.0])
def test_the_default_keeps_every_level_of_grey_from_black_to_white(scale, level):
    flat = np.full((24, 24), level, np.float32)

    result = napari_sr.upscale(flat, scale=scale)

    inside = slice(8 * scale, -8 * scale)
    assert np.abs(result[inside, inside] - level).max() < 2 / 255


def test_a_network_takes_the_place_of_a_name(random):
    image = random.random((5, 6)).astype(np.float32)

    result = napari_sr.upscale(image, Nearest(scale=3), device="cpu")

    np.testing.assert_allclose(result, image.repeat(3, 0).repeat(3, 1), atol=1e-6)
    with pytest.raises(ValueError, match=r"Nearest enlarges at most 9 times .* got scale=10"):
        napari_sr.upscale(image, Nearest(scale=3), scale=10)


def test_a_list_of_lists_is_an_image_too():
    result = napari_sr.upscale([[0.0, 1.0]], Nearest(), device="cpu")

    assert result.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]


def test_a_tensor_is_an_image_too():
    result = napari_sr.upscale(torch.tensor([[0.0, 1.0]]), Nearest(), device="cpu")

    assert result.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]


def test_progress_is_told_once_per_tile(random):
    told = []

    napari_sr.upscale(
        random.random((30, 30)), Nearest(), tile=10, device="cpu", progress=told.append
    )

    assert [(step.done, step.total) for step in told] == [(n, 9) for n in range(1, 10)]


def test_tiles_leave_no_trace_with_the_shipped_network(random):
    image = random.random((70, 90)).astype(np.float32)

    whole = napari_sr.upscale(image, device="cpu")
    tiled = napari_sr.upscale(image, tile=32, device="cpu")

    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5 * np.ptp(whole))


def test_an_ensemble_turns_with_the_image(random):
    image = random.random((16, 20)).astype(np.float32)

    result, turned = (
        napari_sr.upscale(each, ensemble=True, device="cpu") for each in (image, np.rot90(image))
    )

    np.testing.assert_allclose(np.rot90(result), turned, rtol=0, atol=1e-5)
    plain = napari_sr.upscale(image, device="cpu")
    assert np.abs(result - plain).max() > 1e-3


def test_the_public_names_are_listed():
    assert {"blend", "export", "fine_tune", "load", "upscale"} <= set(dir(napari_sr))
    with pytest.raises(AttributeError, match="nothing_here"):
        napari_sr.nothing_here  # noqa: B018


@pytest.mark.parametrize("setting", ["tile", "halo"])
def test_settings_that_are_no_whole_numbers_are_refused(setting):
    image = np.zeros((9, 8), np.uint8)

    for value in (True, 2.5, -1, "3"):
        with pytest.raises(ValueError, match=f"{setting} must be a whole number .* got {value!r}"):
            napari_sr.upscale(image, "bicubic", 2, **{setting: value})


def test_whole_numbers_of_numpy_and_devices_of_torch_are_settings():
    image = np.zeros((40, 41), np.uint8)

    result = napari_sr.upscale(
        image, "bicubic", np.int64(2), tile=np.int64(20), halo=2.0, device=torch.device("cpu")
    )

    assert result.shape == (80, 82)
    assert napari_sr.load("bicubic", 2.0).scale == 2


@pytest.mark.parametrize("model", [5, torch.nn.Identity(), b"fsrcnn"])
def test_what_is_no_model_is_refused_with_its_type(model):
    with pytest.raises(ValueError, match=f"model must be .* got {type(model).__name__}"):
        napari_sr.upscale(np.zeros((9, 8), np.uint8), model)


def test_an_array_of_percentiles_is_a_range(random):
    image = random.integers(0, 4096, (20, 24)).astype(np.uint16)
    low, high = np.percentile(image, [1, 99])

    result = napari_sr.upscale(image, "fsrcnn-x2", value_range=np.percentile(image, [1, 99]))

    np.testing.assert_array_equal(
        result, napari_sr.upscale(image, "fsrcnn-x2", value_range=(low, high))
    )


def test_a_region_equals_the_same_part_of_the_result(random):
    image = random.integers(0, 255, (80, 90), np.uint8)

    part = napari_sr.upscale(image, region=((20, 70), (0, 31)), engine="torch")

    whole = napari_sr.upscale(image, engine="torch")
    np.testing.assert_array_equal(part, whole[40:140, :62])
    with pytest.raises(ValueError, match="right <= 90"):
        napari_sr.upscale(image, region=((20, 70), (0, 91)))


def test_the_request_has_all_arguments():
    image = np.zeros((9, 8), np.uint8)

    found = request_of(
        image, "fsrcnn", 2.5, Settings(tile=7.0), "YX", ((1, 4), (2, 8)), consistent=True
    )

    assert (found.model.scale, found.model.factor, found.model.consistent) == (3, 2.5, True)
    assert (found.settings.tile, found.axes, found.region.spans) == (7, "YX", ((1, 4), (2, 8)))
