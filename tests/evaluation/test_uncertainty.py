"""The spread over views and models, against runs of the views one by one."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
from fakes import Nearest

import napari_sr
from napari_sr.evaluation.uncertainty import uncertainty

OPTIONS = {"device": "cpu", "engine": "torch"}


def views_of(image, network, **options):
    """Return the results of all eight views, turned back, in float64."""
    found = []
    for turns in range(4):
        for mirrored in (False, True):
            view = np.rot90(image[:, ::-1] if mirrored else image, turns)
            large = napari_sr.upscale(np.ascontiguousarray(view), network, **OPTIONS, **options)
            large = np.rot90(large, -turns)
            found.append(large[:, ::-1] if mirrored else large)
    return np.array(found, np.float64)


@pytest.fixture
def network(example):
    return example("fsrcnn")


@pytest.mark.parametrize("tile", [None, 24])
@pytest.mark.parametrize("shape", [(31, 26), (31, 26, 3)], ids=["grey", "rgb"])
def test_result_and_spread_are_mean_and_deviation_of_the_views(shape, tile, network, random):
    image = random.random(shape).astype(np.float32)

    result, spread = uncertainty(image, network, tile=tile, **OPTIONS)

    views = views_of(image, network)
    np.testing.assert_allclose(spread, views.std(axis=0), rtol=1e-4, atol=1e-5 * np.ptp(views))
    same = napari_sr.upscale(image, network, tile=tile, ensemble=True, **OPTIONS)
    np.testing.assert_array_equal(result, same)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_the_spread_is_in_the_image_s_values_whatever_its_type(dtype, network, random):
    image = (random.random((20, 22)) * 100).astype(dtype)

    result, spread = uncertainty(image, network, value_range=(-50, 150), **OPTIONS)

    unit = views_of((image.astype(np.float32) + 50) / 200, network).std(axis=0)
    assert (spread.dtype, result.dtype) == (np.float32, dtype)
    np.testing.assert_allclose(spread, 200 * unit, rtol=1e-3, atol=1e-3)


def test_a_region_of_a_stack_is_the_same_part(network, random):
    image = random.random((2, 40, 44)).astype(np.float32)

    whole = uncertainty(image, network, axes="ZYX", **OPTIONS)
    part = uncertainty(image, network, axes="ZYX", region=((8, 30), (3, 20)), **OPTIONS)

    for one, other in zip(part, whole, strict=True):
        assert one.shape == (2, 44, 34)
        np.testing.assert_allclose(one, other[:, 16:60, 6:40], atol=1e-5)


def test_nan_is_nan_in_both(network, random):
    image = random.random((20, 20)).astype(np.float32)
    image[4:6, 7] = np.nan

    result, spread = uncertainty(image, network, **OPTIONS)

    assert np.isnan(spread).sum() == 2 * 4
    np.testing.assert_array_equal(np.isnan(spread), np.isnan(result))


def test_opacity_of_integers_has_its_own_range(random):
    class Uneven(Nearest):
        def compute(self, image):
            large = super().compute(image)
            large[..., :1, :1] += 0.1
            return large

    image = np.full((8, 8, 4), 128, np.uint8)

    _, spread = uncertainty(image, Uneven(channels=3), value_range=(0, 2550), **OPTIONS)

    # a tenth of the range in two of eight views
    expected = 0.1 * 2550 * np.std([1, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(spread[0, 0, :3], expected, rtol=1e-5)
    assert not spread[1:-1, 1:-1].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_several_models_count_alike(dtype, example, random):
    image = (random.random((20, 24)) * 200).astype(dtype)
    networks = [example("fsrcnn"), example("espcn"), Nearest()]
    options = {"value_range": (0, 200), "outliers": "keep"}

    result, spread = uncertainty(image, networks[0], models=networks[1:], **options, **OPTIONS)

    floats = image.astype(np.float32)
    views = np.concatenate([views_of(floats, one, **options) for one in networks])
    np.testing.assert_allclose(spread, views.std(axis=0), rtol=1e-4, atol=2e-3)
    mean = views.mean(axis=0)
    if np.dtype(dtype).kind != "f":
        limits = np.iinfo(dtype)
        mean = mean.clip(limits.min, limits.max)
    assert result.dtype == dtype
    assert np.abs(result - mean).max() <= (0.501 if np.dtype(dtype).kind == "u" else 1e-2)


def test_models_alone_need_no_views(example, random):
    image = random.random((20, 24)).astype(np.float32)
    networks = [example("fsrcnn"), example("espcn")]

    result, spread = uncertainty(
        image, networks[0], models=networks[1:], ensemble=False, outliers="keep", **OPTIONS
    )

    both = [napari_sr.upscale(image, one, outliers="keep", **OPTIONS) for one in networks]
    np.testing.assert_allclose(result, np.mean(both, axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(spread, np.std(both, axis=0), rtol=1e-4, atol=1e-5)


def test_progress_of_several_models_never_falls(example, random):
    steps = []

    uncertainty(
        random.random((40, 40)), example("fsrcnn"), models=[Nearest()], tile=24,
        progress=steps.append, **OPTIONS,
    )  # fmt: skip

    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert all(step.done <= step.total for step in steps)


def test_arrays_are_written_block_by_block(network, random):
    image = random.random((600, 300)).astype(np.float32)
    out = (np.empty((1200, 600), np.float32), np.empty((1200, 600), np.float32))

    found = uncertainty(dask.array.from_array(image, chunks=256), network, out=out, **OPTIONS)

    whole = uncertainty(image, network, **OPTIONS)
    assert found.result is out[0]
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_record_names_model_and_ensemble(network, random):
    found = uncertainty(random.random((20, 20)), network, **OPTIONS)

    assert found.record["ensemble"] is True
    assert "spread" not in found.record["settings"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ensemble": False}, "several models, or ensemble=True"),
        ({"models": "fsrcnn"}, "models must be a list of models, got 'fsrcnn'"),
        ({"models": [Nearest(scale=3)]}, "models must have the same scale, got 2, 3"),
        ({"models": [Nearest()], "out": (1, 2)}, "single model, got 2 models"),
        ({"out": np.zeros((40, 40))}, "two arrays, for result and spread"),
        ({"models": [Nearest()], "outliers": "mark"}, "needs an image of floats, got uint8"),
        ({"out": (np.zeros((40, 40), "u1"), np.zeros((40, 40), "u1"))}, "type float32"),
    ],
)
def test_what_cannot_be_computed_is_refused(options, message, network):
    with pytest.raises(ValueError, match=message):
        uncertainty(np.zeros((20, 20), np.uint8), network, **OPTIONS, **options)
