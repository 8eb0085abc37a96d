"""Perceptual distances: what their library is given, and what is told where it is missing."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from napari_sr.evaluation import perceptual
from napari_sr.evaluation.perceptual import MissingPackageError, dists, lpips, prepare
from napari_sr.zoo._torchvision import import_on_torchvision
from napari_sr.zoo.download import DownloadError


@pytest.fixture(autouse=True)
def _fresh():
    for kept in (perceptual._metric, import_on_torchvision):
        kept.cache_clear()
    yield
    for kept in (perceptual._metric, import_on_torchvision):
        kept.cache_clear()


@pytest.fixture
def given(monkeypatch):
    """Put a stand-in for the library in place; return what its metrics are given."""
    calls = []

    def metric(name):
        return lambda: lambda *images: calls.append((name, *images)) or torch.tensor(0.25)

    library = SimpleNamespace(LPIPS=metric("LPIPS"), DISTS=metric("DISTS"))
    monkeypatch.setitem(sys.modules, "piq", library)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace())
    return calls


@pytest.mark.parametrize(("distance", "name"), [(lpips, "LPIPS"), (dists, "DISTS")])
def test_the_library_gets_rgb_planes_from_zero_to_one(given, distance, name):
    result = np.zeros((24, 30, 3), np.uint8)
    truth = np.full((24, 30, 3), (255, 0, 0), np.uint8)

    assert distance(result, truth, border=2) == 0.25

    [(called, first, second)] = given
    assert called == name
    assert first.dtype == torch.float32
    assert first.shape == second.shape == (1, 3, 20, 26)
    assert second.amax((0, 2, 3)).tolist() == [1, 0, 0]


def test_grey_counts_as_rgb(given):
    lpips(np.ones((16, 16)), np.zeros((16, 16)))

    assert given[0][1].shape == (1, 3, 16, 16)


def test_results_are_clipped_as_a_file_would(given):
    lpips(np.full((16, 16), 3.0), np.zeros((16, 16)))

    assert given[0][1].max() == 1


def test_a_missing_library_is_told_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "piq", None)

    with pytest.raises(MissingPackageError, match=r"LPIPS needs .* 'napari-sr\[perceptual\]'"):
        lpips(np.ones((16, 16)), np.zeros((16, 16)))


def test_an_image_that_is_too_small_is_told(given):
    with pytest.raises(ValueError, match=r"DISTS needs at least 16 x 16 px .*, got 15 x 36"):
        dists(np.ones((19, 40)), np.zeros((19, 40)), border=2)


def test_weights_that_cannot_be_had_are_named_with_their_place(given, monkeypatch, tmp_path):
    def offline():
        raise URLError("no network")

    monkeypatch.setattr(sys.modules["piq"], "LPIPS", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    with pytest.raises(DownloadError) as error:
        prepare("LPIPS")

    place = tmp_path / "hub" / "checkpoints"
    for part in ("no network", "lpips_weights.pt", "vgg16-397923af.pth", str(place)):
        assert part in str(error.value)
