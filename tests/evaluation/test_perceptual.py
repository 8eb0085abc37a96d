"""Perceptual distances: what their library is given, and what is told where it is missing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_sr.evaluation import perceptual
from napari_sr.evaluation.perceptual import MissingPackageError, dists, lpips


@pytest.fixture(autouse=True)
def _fresh():
    perceptual._metric.cache_clear()
    yield
    perceptual._metric.cache_clear()


@pytest.fixture
def given(monkeypatch):
    """Put a stand-in for the library in place; return what its metrics are given."""
    calls = []

    def metric(name):
        return lambda: lambda *images: calls.append((name, *images)) or torch.tensor(0.25)

    library = SimpleNamespace(LPIPS=metric("LPIPS"), DISTS=metric("DISTS"))
    monkeypatch.setitem(sys.modules, "piq", library)
    return calls


@pytest.mark.parametrize(("distance", "name"), [(lpips, "LPIPS"), (dists, "DISTS")])
def test_the_library_gets_rgb_planes_from_nought_to_one(given, distance, name):
    result = np.zeros((20, 30, 3), np.uint8)
    truth = np.full((20, 30, 3), (255, 0, 0), np.uint8)

    assert distance(result, truth, border=2) == 0.25

    [(called, first, second)] = given
    assert called == name
    assert first.dtype == torch.float32
    assert first.shape == second.shape == (1, 3, 16, 26)
    assert second.amax((0, 2, 3)).tolist() == [1, 0, 0]


def test_grey_counts_as_rgb(given):
    lpips(np.ones((8, 8)), np.zeros((8, 8)))

    assert given[0][1].shape == (1, 3, 8, 8)


def test_results_are_clipped_as_a_file_would(given):
    lpips(np.full((8, 8), 3.0), np.zeros((8, 8)))

    assert given[0][1].max() == 1


def test_a_missing_library_is_told_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "piq", None)

    with pytest.raises(MissingPackageError, match=r"LPIPS needs .* 'napari-sr\[perceptual\]'"):
        lpips(np.ones((8, 8)), np.zeros((8, 8)))
