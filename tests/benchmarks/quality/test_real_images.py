"""Pairs of real images: made from files that are there, with a truth that fits."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

FILE = Path(__file__).parents[3] / "benchmarks" / "quality" / "real_images.py"


def _module():
    spec = importlib.util.spec_from_file_location("real_images", FILE)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


real = _module()
STILL = real.RealSet("still", "still.tif", "here", side=128, most=2)
SERIES = real.RealSet("series", "series.tif", "here", series=True)


@pytest.fixture
def folder(tmp_path, random):
    """Return a folder with a still image, and a series of a specimen that does not move."""
    scene = 100 + 1000 * gaussian_filter(random.random((300, 260)), 2)
    (tmp_path / "deep").mkdir()
    tifffile.imwrite(tmp_path / "deep" / "still.tif", scene.astype(np.float32))
    series = scene[:101, :99] + random.normal(0, 2, (8, 101, 99))
    tifffile.imwrite(tmp_path / "series.tif", series.astype(np.float32))
    return tmp_path


def made(chosen, folder):
    return [pair.made for pair in real.pairs(chosen, folder)]


def test_absent_files_give_no_pairs(tmp_path):
    assert made(STILL, tmp_path) == []


def test_an_image_is_halved_and_quartered_with_and_without_noise(folder):
    found = list(real.pairs(STILL, folder))

    kinds = ["halved", "quartered", "30 photons", "100 photons", "400 photons"]
    assert [pair.made for pair in found] == 2 * kinds
    for pair in found:
        assert tuple(2 * size for size in pair.small.shape) == pair.truth.shape
    np.testing.assert_allclose(found[0].small, real.binned(found[0].truth), rtol=1e-6)
    np.testing.assert_allclose(found[1].truth, real.binned(found[0].truth))
    noise = [np.std(pair.small - found[2].small) for pair in found[2:5]]
    assert noise[0] == 0 < noise[1]


def test_the_truth_of_a_series_has_noise_of_its_own(folder):
    (first, *_) = (pair for pair in real.pairs(SERIES, folder) if pair.made == "series")

    frames = tifffile.imread(folder / "series.tif")[:3, :100, :98].astype(float)
    np.testing.assert_allclose(first.small, real.binned(frames[1]), rtol=1e-5)
    np.testing.assert_allclose(first.truth, (frames[0] + frames[2]) / 2, rtol=1e-6)


def test_frames_between_which_the_specimen_moved_are_left_out(folder):
    frames = tifffile.imread(folder / "series.tif")
    moving = np.stack([np.roll(frame, 9 * number, 0) for number, frame in enumerate(frames)])
    tifffile.imwrite(folder / "series.tif", moving)

    assert "series" not in made(SERIES, folder)
    assert "halved" in made(SERIES, folder)
