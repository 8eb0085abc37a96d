"""A result is blurred and scaled to its source; what remains is its error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation import error_map, imresize


@pytest.fixture
def sharp(random):
    return random.random((100, 120)) ** 8


@pytest.mark.parametrize("blur", [0.0, 1.3, 3.0, 6.5])
def test_the_blur_between_source_and_result_is_found(sharp, blur, random):
    seen = 40 * gaussian_filter(sharp, blur) + 7
    noise = 0.05 * seen.std() * random.standard_normal(seen.shape)

    found = error_map(seen + noise, sharp)

    assert found.blur == pytest.approx(blur, abs=0.05)
    assert found.rse == pytest.approx(noise.std(), rel=0.02)
    assert found.rsp == pytest.approx(1 / np.sqrt(1 + 0.05**2), abs=1e-3)
    assert found.map.mean() == pytest.approx(np.abs(noise).mean(), rel=0.05)
    assert not found.is_widest


def test_what_a_result_invents_is_bright_in_the_map(sharp):
    source = gaussian_filter(sharp, 1.5)
    result = imresize(source, 2)
    assert error_map(source, result).rsp == pytest.approx(1, abs=1e-6)
    result[80:86, 60:66] += 10 * source.max()

    found = error_map(source, result)

    assert found.map.shape == (200, 240)
    outside = np.ones(found.map.shape, bool)
    outside[70:96, 50:76] = False
    assert found.map[80:86, 60:66].mean() > 20 * np.median(found.map[outside])
    assert found.rsp < 0.9


def test_values_are_those_of_the_source_whatever_the_result_has(sharp):
    source = (1000 * gaussian_filter(sharp, 2)).astype(np.uint16)

    low, high = (error_map(source, factor * sharp + 3) for factor in (1e-3, 1e4))

    np.testing.assert_allclose(low.map, high.map, atol=1e-2)
    assert low.rse == pytest.approx(high.rse, rel=1e-4)
    assert low.rse == pytest.approx(1 / np.sqrt(12), rel=0.2)  # cut-off digits


def test_a_blur_at_its_limit_is_marked(random):
    coarse = gaussian_filter(random.random((200, 200)), 20)

    assert error_map(coarse, random.random((200, 200)) + 20 * coarse).is_widest


def test_reversed_contrast_is_negative(sharp):
    assert error_map(sharp, -sharp).rsp == pytest.approx(-1)


@pytest.mark.parametrize(
    ("source", "result", "words"),
    [
        (np.eye(8), np.eye(12), r"\(8, 8\), enlarged a whole number of times, got \(12, 12\)"),
        (np.eye(8), np.ones((16, 16)), "the result: .* got 1 everywhere"),
        (np.zeros((8, 8)), np.eye(16), "the source: .* got 0 everywhere"),
        (np.eye(8), np.full((8, 8), np.inf), "the result: 64 of 64 values"),
        (np.eye(8), None, "needs a result"),
    ],
)
def test_images_that_do_not_fit_are_refused(source, result, words):
    with pytest.raises(ValueError, match=words):
        error_map(source, result)


@pytest.mark.parametrize("noise", [0.0, 0.5, 5.0])
def test_nanopyx_agrees_on_images_of_one_size(sharp, noise, random, monkeypatch, tmp_path):
    # it places the pixels of an enlarged source elsewhere, by a quarter of a pixel at x2
    monkeypatch.setenv("HOME", str(tmp_path))  # it writes into the home folder when imported
    nanopyx = pytest.importorskip("nanopyx", reason="needs NanoPyx: pip install nanopyx")
    seen = gaussian_filter(sharp, 2)
    seen = seen / seen.max() * 100 + noise * random.standard_normal(seen.shape)

    pixels, rse, rsp = nanopyx.calculate_error_map(
        seen.astype(np.float32), sharp.astype(np.float32)
    )

    found = error_map(seen, sharp)
    assert found.rse == pytest.approx(rse, rel=1e-5, abs=1e-4)
    assert found.rsp == pytest.approx(rsp, abs=1e-4)
    np.testing.assert_allclose(found.map, pixels, atol=0.02)
