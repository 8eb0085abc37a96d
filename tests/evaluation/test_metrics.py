"""The metrics' records: what they measure, and in which direction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation.metrics import METRICS, chosen

RNG = np.random.default_rng(0)
TRUTH = gaussian_filter(RNG.random((96, 128)), 0.7)
MEASURED = [name for name, metric in METRICS.items() if not metric.colours]


def figure(name, result, truth=TRUTH, **options):
    return METRICS[name].compare(result, truth, **{"border": 2, "luma": True, **options})


@pytest.mark.parametrize("name", MEASURED)
def test_the_direction_is_that_in_which_results_get_better(name):
    noisy = [TRUTH + RNG.normal(0, sigma, TRUTH.shape) for sigma in (0.05, 0.2)]

    near, far = (figure(name, result) for result in noisy)

    assert (near < far) == METRICS[name].less_is_better


def test_frc_tells_the_finest_detail_that_is_that_of_the_truth():
    # equal up to a quarter of a cycle per pixel, foreign beyond
    frequency = np.hypot(np.fft.fftfreq(96)[:, None], np.fft.fftfreq(128)[None])
    foreign = RNG.permuted(TRUTH.ravel()).reshape(TRUTH.shape)
    spectrum = np.where(frequency < 0.25, np.fft.fft2(TRUTH), np.fft.fft2(foreign))

    found = figure("frc", np.fft.ifft2(spectrum).real, border=0)

    # two rings of 1/96 cycles per pixel: smoothing, and the window
    assert 1 / found == pytest.approx(0.25, abs=2 / 96)


def test_frc_of_equal_images_is_two_pixels():
    assert figure("frc", TRUTH) == 2


def test_frc_of_colours_is_that_of_their_luma():
    colours = RNG.random((64, 64, 3))

    assert figure("frc", colours, colours[::-1]) > 2
    assert figure("frc", colours, colours) == 2


def test_frc_of_an_empty_image_is_no_number():
    assert math.isnan(figure("frc", np.zeros_like(TRUTH)))


def test_metrics_are_chosen_by_name_and_each_once():
    assert [metric.title for metric in chosen(("ssim", "psnr", "ssim"))] == ["SSIM", "PSNR"]


@pytest.mark.parametrize(("names", "told"), [(["psnr", "mse"], "'mse'"), ([], "none")])
def test_an_unknown_metric_is_told_with_all(names, told):
    with pytest.raises(ValueError, match=f"psnr, ssim, frc, lpips, dists, got {told}"):
        chosen(names)


def test_figures_are_shown_with_their_unit():
    assert METRICS["psnr"].heading == "PSNR, dB"
    assert METRICS["psnr"].shown(31.204) == "PSNR 31.20 dB"
    assert METRICS["lpips"].heading == "LPIPS (less is better)"
    assert METRICS["lpips"].shown(0.25) == "LPIPS 0.2500"
