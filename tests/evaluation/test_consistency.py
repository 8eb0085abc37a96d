"""What differs between a source and its result that is shrunk again."""

from __future__ import annotations

from fractions import Fraction

import dask.array
import numpy as np
import pytest
from records import record_of
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.evaluation import difference_map
from napari_sr.evaluation._imresize import imresize
from napari_sr.evaluation.consistency import check, check_steps
from napari_sr.runs.record import known_model
from napari_sr.runs.run import drive


@pytest.fixture
def truth(random):
    """A smooth image, larger than its source."""
    return 200 * gaussian_filter(random.random((3, 240, 280)), (0, 6, 6))


def shrunk(image, scale=2):
    return np.stack([imresize(plane, Fraction(1, scale)) for plane in image])


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("side", [512, 50, 7])
def test_a_result_that_shrinks_to_its_source_is_consistent(truth, monkeypatch, scale, side):
    monkeypatch.setattr(difference_map, "SIDE", side)

    found = check(shrunk(truth, scale), truth, axes="ZYX")

    assert found.rms < 1e-9
    assert found.unit == "values"
    assert found.map.shape == (3, 240 // scale, 280 // scale)
    np.testing.assert_allclose(found.map, 0, atol=1e-4)


def test_figures_are_of_colours_and_not_of_alpha(truth):
    colours = np.moveaxis(truth, 0, -1)
    source = np.moveaxis(shrunk(truth), 0, -1) + 3
    opaque = np.full((*source.shape[:2], 1), 255.0)

    plain = check(source, colours, axes="YXS")
    larger = np.full((*colours.shape[:2], 1), 100.0)  # as if opacity were wrong
    found = check(
        np.concatenate([source, opaque], 2), np.concatenate([colours, larger], 2), axes="YXS"
    )

    assert found.map.shape == (*source.shape[:2], 4)
    for figure in ("rms", "p99", "bias", "unexplained"):
        assert getattr(found, figure) == pytest.approx(getattr(plain, figure))


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        (np.zeros((1, 1)), "a check needs at least 24 x 24 pixels, got 1 x 1"),
        (np.full((30, 30), np.nan), "a check needs finite pixels"),
    ],
)
def test_a_source_without_enough_pixels_is_refused(source, needed):
    with pytest.raises(ValueError, match=needed):
        check(source, source.repeat(2, 0).repeat(2, 1))


def test_in_python_a_result_may_be_as_large_as_its_source(random):
    source = random.random((30, 30))

    assert check(source, source + 1).bias == pytest.approx(1)


@pytest.mark.parametrize("rgb", [False, True])
def test_a_map_in_memory_equals_the_lazy_one(random, monkeypatch, rgb):
    monkeypatch.setattr(difference_map, "SIDE", 30)
    source = random.poisson(20, (2, 70, 80, 3) if rgb else (2, 70, 80)).astype(np.uint16)
    result = source.repeat(2, 1).repeat(2, 2)
    axes = "ZYXS" if rgb else "ZYX"
    lazy = check(source, result, axes=axes)

    steps = check_steps(source, result, axes=axes, most_in_memory=4 * source.size)
    whole = drive(steps)
    too_large = drive(check_steps(source, result, axes=axes, most_in_memory=4 * source.size - 1))

    assert isinstance(whole.map, np.ndarray)
    assert not isinstance(too_large.map, np.ndarray)
    np.testing.assert_array_equal(whole.map, lazy.map)
    assert whole.rms == lazy.rms


def test_own_networks_and_blends_are_no_known_models():
    assert known_model(record_of()) == "fsrcnn-x2"
    assert known_model(record_of(sha256="12")) is None
    assert known_model({**record_of(), "blended": []}) is None
    assert known_model({}) is None


def test_what_a_result_adds_is_found_where_it_is(truth):
    source = shrunk(truth)
    truth[1, 100:120, 60:90] += 50

    found = check(source, truth, axes="ZYX")

    seen = np.asarray(found.map)
    inside = np.zeros(seen.shape, bool)
    inside[1, 50:60, 30:45] = True
    np.testing.assert_allclose(seen[1, 53:57, 33:42], 50, atol=1e-3)
    far = ~np.pad(inside, 3)[3:-3, 3:-3, 3:-3] & (np.abs(seen) > 1e-3)
    assert not far[[0, 2]].any()
    assert found.bias == pytest.approx(50 * inside.mean(), rel=0.05)
    assert found.rms == pytest.approx(np.sqrt((seen.astype(float) ** 2).mean()), rel=1e-5)
    assert found.p99 == pytest.approx(np.percentile(np.abs(seen), 99), rel=0.05)


def test_in_noisy_images_the_unit_is_the_noise(random):
    signal = np.linspace(20, 200, 256)[:, None] * np.ones((256, 256))
    source = random.poisson(signal).astype(np.uint16)
    result = np.kron(signal, np.ones((2, 2))).astype(np.float32)

    found = check(source, result)

    assert found.unit == "noise"
    assert np.asarray(found.map).std() == pytest.approx(1, rel=0.15)
    assert found.unexplained < 0.01
    assert "more than 3 times the noise" in found.in_words()

    result[100:140, 100:140] += 150
    worse = check(source, result)

    assert worse.unexplained > found.unexplained + 0.004
    assert np.asarray(worse.map)[60, 60] > 3


def test_few_photons_alone_do_not_count_as_unexplained(random):
    signal = np.tile(np.linspace(1, 25, 256), (256, 1))
    source = 100 + 12 * random.poisson(signal) + random.normal(0, 10, signal.shape)

    found = check(source, 100 + 12 * np.kron(signal, np.ones((2, 2))))

    seen = np.asarray(found.map)
    assert found.unit == "noise"
    assert found.unexplained < 0.01
    assert found.unexplained == pytest.approx((np.abs(seen) > 3).mean(), abs=1e-4)
    assert seen.std() == pytest.approx(1, rel=0.15)


def test_results_of_optics_are_blurred_and_binned(random):
    sharp = 200 * gaussian_filter(random.random((200, 200)), 1.5)
    seen = gaussian_filter(sharp, 1.5, mode="nearest").reshape(100, 2, 100, 2).mean(axis=(1, 3))

    optical, plain = check(seen, sharp, "microscope"), check(seen, sharp, "fsrcnn")

    assert optical.rms < 1e-6
    assert plain.rms > 0.1


def test_lazy_colours_and_missing_pixels(random):
    image = random.random((70, 80, 3)).astype(np.float32)
    result = napari_sr.upscale(image, "bicubic", 2, device="cpu")
    image[30, 40] = np.nan
    lazy = dask.array.from_array(image, chunks=(20, 30, 3))

    found = check(lazy, result, axes="YXS")

    seen = np.asarray(found.map)
    assert seen.shape == image.shape
    np.testing.assert_array_equal(np.isnan(seen), np.isnan(image))
    assert np.isfinite([found.rms, found.p99, found.bias]).all()


@pytest.mark.parametrize(
    ("shape", "scale"), [((60, 61), None), ((60, 60), 3), ((20, 20), None), ((1, 60, 60), 2)]
)
def test_shapes_that_do_not_fit_are_refused_with_both(shape, scale):
    with pytest.raises(ValueError, match=r"the source's shape \(30, 30\), enlarged .*, got"):
        check(np.zeros((30, 30)), np.zeros(shape), scale=scale)


@pytest.mark.parametrize(
    "source", [np.full((48, 48), 200, np.uint8), np.full((48, 48), 0.5, np.float32)], ids=str
)
def test_a_source_without_noise_is_compared_in_values(source, recwarn):
    result = source.repeat(2, 0).repeat(2, 1) + source.dtype.type(1)

    found = check(source, result)

    assert found.unit == "values"
    np.testing.assert_allclose(np.asarray(found.map)[2:-2, 2:-2], 1, atol=1e-5)
    assert not [one for one in recwarn if one.category is RuntimeWarning]


def test_noise_is_the_unit_although_much_of_the_source_is_empty(random):
    source = random.poisson(20, (96, 128)).astype(np.float32)
    source[:, :90] = 0

    found = check(source, source.repeat(2, 0).repeat(2, 1))

    assert found.unit == "noise"
    assert np.abs(np.asarray(found.map)).max() < 100
