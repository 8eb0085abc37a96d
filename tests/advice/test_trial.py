"""Networks tried on an image itself, from two independent halves of its noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, zoom

import napari_sr
from napari_sr.advice import trial
from napari_sr.advice.trial import TRIED, shipped, trial_of, tried_errors
from napari_sr.engine.image.noise import noise_of
from napari_sr.engine.image.sample import sample_of
from napari_sr.layers.colour import enlarge


def known(image, axes=None):
    """Return the sample and the noise of an image."""
    sample = sample_of(image, axes)
    return sample, noise_of(sample.windows, 1.0)


@pytest.fixture
def soft(random):
    """A soft image without noise, from about -3 to 3."""
    found = gaussian_filter(random.random((256, 256)), 3)
    return (found - found.mean()) / found.std()


def test_errors_are_those_against_the_image_without_noise(soft, random):
    level = 0.4
    noisy = soft + random.normal(0, level, soft.shape)
    low, high = np.percentile(noisy, (0.1, 99.9))
    networks = {name: napari_sr.load(name, 2) for name in ("bicubic", "fsrcnn", "micrograph")}

    found = trial_of(*known(noisy), networks)

    # the trial adds noise, so the true error is that for more noise
    more = float(np.hypot(1, trial.ADDED))
    seen = (soft + random.normal(0, level * more, soft.shape) - low) / (high - low)
    pixels = torch.from_numpy(seen[None, None]).float()
    for name, network in networks.items():
        with torch.inference_mode():
            large = enlarge(network, pixels, level * more / (high - low))[0, 0].numpy()
        result = large.reshape(256, 2, 256, 2).mean(axis=(1, 3))
        error = np.polyfit(result.ravel(), soft.ravel(), 1, full=True)[1][0] / soft.size
        # small errors are known to a share of the noise that is subtracted
        known_to = pytest.approx(error, rel=0.3, abs=0.05 * level**2)
        assert found[name] * (high - low) ** 2 == known_to
    assert found["micrograph"] < 0.5 * found["bicubic"] < 0.5 * found["fsrcnn"]


def test_removing_noise_pays_on_noise_and_costs_detail_without_it(soft, random):
    noisy = tried_errors(*known(soft + random.normal(0, 0.4, soft.shape)))
    squares = zoom(random.random((60, 60)), 5, order=0)
    sharp = tried_errors(*known(gaussian_filter(squares, 0.7)))

    assert 2 * noisy["conditioned"] < noisy["interpolation"] < 0.8 * noisy["photographs"]
    assert 1.3 * sharp["photographs"] < sharp["interpolation"] < 0.8 * sharp["denoising"]
    assert list(noisy) == [*TRIED, "interpolation"]


def test_equal_images_get_equal_errors_at_any_contrast(soft, random):
    noisy = soft + random.normal(0, 0.2, soft.shape)

    first, again, other = (tried_errors(*known(one)) for one in (noisy, noisy, 500 + 90 * noisy))

    assert first == again
    assert other == pytest.approx(first, rel=0.005)


def test_nothing_is_tried_where_it_would_not_tell(soft, monkeypatch):
    assert tried_errors(*known(soft[:31, :200])) is None
    assert tried_errors(*known(np.full((64, 64), 7.0))) is None
    assert tried_errors(*known(soft[:32, :32])) is not None

    def missing():
        raise FileNotFoundError("micrograph-x2.safetensors")

    monkeypatch.setattr(trial, "shipped", missing)
    assert tried_errors(*known(soft)) is None


def test_the_blur_is_scipys(random):
    parts = random.normal(size=(3, 40, 40))

    np.testing.assert_allclose(trial._blurred(parts), gaussian_filter(parts, (0, 2, 2)), atol=1e-12)


def test_values_far_beyond_the_used_range_are_not_tried(soft):
    sample, noise = known(soft)
    window = sample.windows[0].copy()
    window[5, 5] = 1e60

    assert tried_errors(replace(sample, windows=(window, *sample.windows[1:])), noise) is None


def test_parts_have_the_most_contrast_and_lie_in_different_windows(soft):
    windows = [np.zeros((128, 128)) for _ in range(6)]
    for number in (1, 2, 4, 5):
        windows[number][64:, :64] = soft[:64, :64] * number
        windows[number][:64, :64] = soft[:64, :64] * 0.5 * number

    found = trial._parts(windows)

    np.testing.assert_array_equal(found, [soft[:64, :64] * number for number in (5, 4, 2, 1)])
    assert trial._parts([soft[:41, :50]]).shape == (trial.PARTS, 40, 40)


def test_the_networks_that_are_tried_ship_with_the_package():
    assert {network.scale for network in shipped().values()} == {2}
    assert shipped()["conditioned"].takes_noise
    pixels = torch.rand(1, 1, 20, 20)
    for name, network in shipped().items():
        usual = napari_sr.load(TRIED.get(name, "bicubic"), 2)
        with torch.inference_mode():
            assert torch.equal(enlarge(network, pixels, 0.1), enlarge(usual, pixels, 0.1)), name
