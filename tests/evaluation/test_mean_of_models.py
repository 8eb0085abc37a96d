"""Mean and spread over models, each with a mean and a spread of its own."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.execution.upscale import Upscaled
from napari_sr.evaluation import mean_of_models as module
from napari_sr.evaluation.mean_of_models import MeanOfModels


def total_of(views, dtype):
    """Return the total of models, (models, views, H, W)."""
    total = MeanOfModels()
    for number, one in enumerate(views):
        pixels, spread = one.mean(axis=0), one.std(axis=0).astype(np.float32)
        record = {"model": f"m{number}", "value_range": (0, 1)}
        total.add(Upscaled(pixels.astype(np.float64), "YX", record, spread))
    return total.end(np.dtype(dtype))


def test_all_views_of_all_models_count_alike(random, monkeypatch):
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 7)  # several parts, the last one shorter
    views = random.random((3, 8, 5, 6))

    mean, spread, record = total_of(views, "float64")

    np.testing.assert_allclose(mean, views.mean(axis=(0, 1)))
    np.testing.assert_allclose(spread, views.std(axis=(0, 1)), rtol=1e-5)
    assert [one["model"] for one in record["models"]] == ["m0", "m1", "m2"]
    assert record["value_range"] == (0, 1)


def test_integers_are_rounded_once_and_clipped():
    views = np.array([[[[0.4, 255.0, -9.0]]], [[[0.8, 300.0, -7.0]]]])

    mean, _, _ = total_of(views, "uint8")

    assert mean.dtype == np.uint8
    assert mean.tolist() == [[1, 255, 0]]


def test_results_without_a_spread_spread_over_models_alone():
    total = MeanOfModels()
    for value in (1.0, 3.0):
        total.add(Upscaled(np.full((2, 2), value, np.float32), "YX", {"value_range": (0, 1)}))

    mean, spread, _ = total.end(np.dtype(np.float32))

    assert mean == pytest.approx(np.full((2, 2), 2))
    assert spread == pytest.approx(np.ones((2, 2)))
