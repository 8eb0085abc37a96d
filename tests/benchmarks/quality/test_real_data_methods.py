"""Deconvolution, and PSNR against a noisy truth, as `real_data.py` uses them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter


@pytest.fixture
def methods(benchmark):
    return benchmark("quality/real_data_methods")


@pytest.fixture
def scene():
    return gaussian_filter(np.random.default_rng(0).random((128, 128)), 2.0)


def test_deconvolution_undoes_the_blur_of_its_spot(methods, scene):
    blurred = gaussian_filter(scene, 2.0)  # a spot of 1 pixel of the source, at x2

    found = methods.deconvolved(blurred, 2, (1.0, 20))

    assert found.shape == blurred.shape
    assert methods.fitted_psnr(found, scene) > methods.fitted_psnr(blurred, scene) + 3
    assert found.mean() == pytest.approx(blurred.mean(), rel=0.01)


def test_the_best_setting_counts(methods, scene):
    blurred = gaussian_filter(scene, 2.0)

    best = methods.best_deconvolved(blurred, 2, lambda one: methods.fitted_psnr(one, scene))

    assert best >= methods.fitted_psnr(methods.deconvolved(blurred, 2, (1.0, 20)), scene)


def test_noise_of_the_truth_is_subtracted_from_the_error(methods):
    random = np.random.default_rng(1)
    scene = gaussian_filter(random.random((600, 600)), 2.0)
    result = scene + random.normal(0, 0.01, scene.shape)
    noisy = scene + random.normal(0, 0.03, scene.shape)

    clean = methods.fitted_psnr(result, scene)
    width = np.ptp(np.percentile(scene[8:-8, 8:-8], methods.ENDS))
    wider = np.ptp(np.percentile(noisy[8:-8, 8:-8], methods.ENDS))

    found = methods.fitted_psnr(result, noisy, noise=0.03**2)
    assert found - 20 * np.log10(wider / width) == pytest.approx(clean, abs=0.3)
    assert methods.fitted_psnr(result, noisy) < found - 5


def test_a_model_without_weights_for_a_scale_is_left_out(methods):
    assert "microscope" in methods.models_of(2)
    assert methods.models_of(4)[:2] == ["bicubic", "fsrcnn"]
    assert "microscope" not in methods.models_of(4)
