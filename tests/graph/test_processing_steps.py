"""Steps of processing against formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.graph.processing import Processing
from napari_sr.graph.processing_steps import (
    Binarize,
    Clip,
    Convert,
    Linear,
    ScaleRange,
    Sigmoid,
    Standardise,
)

PLANE = np.random.default_rng(0).normal(300, 90, (7, 9, 3)).astype(np.float32)
WIDE = PLANE.astype(np.float64)


def of_each_channel(function):
    return np.array([function(WIDE[..., channel]) for channel in range(3)])


MEANS, DEVIATIONS = of_each_channel(np.mean), of_each_channel(np.std)
LOWS, HIGHS = (of_each_channel(lambda x, s=s: np.percentile(x, s)) for s in (2, 98))
STEPS = [
    (Linear(2.0, -3.0), 2 * WIDE - 3),
    (Linear((1.0, 2.0, 4.0), 1.0), WIDE * [1, 2, 4] + 1),
    (Standardise(), (WIDE - WIDE.mean()) / (WIDE.std() + 1e-6)),
    (Standardise((0, 1), 0.1), (WIDE - MEANS) / (DEVIATIONS + 0.1)),
    (Standardise((0, 1), 0.0, (1.0, 2.0, 3.0), 5.0), (WIDE - [1, 2, 3]) / 5),
    (
        ScaleRange(2, 98),
        (WIDE - np.percentile(WIDE, 2)) / (np.percentile(WIDE, 98) - np.percentile(WIDE, 2) + 1e-6),
    ),
    (ScaleRange(2, 98, (0, 1)), (WIDE - LOWS) / (HIGHS - LOWS + 1e-6)),
    (Clip(250.0, None), WIDE.clip(250)),
    (Clip(None, None, (None, 90.0)), WIDE.clip(None, np.sort(WIDE.ravel())[170])),  # 189 * 0.9
    (Binarize(300.0), WIDE > 300),
    (Sigmoid(), np.ones(PLANE.shape)),
    (Convert("uint8"), (WIDE.astype(np.int64) % 256)),
]


@pytest.mark.parametrize(("step", "wanted"), STEPS, ids=[one.words for one, _ in STEPS])
def test_a_step_computes_its_formula(step, wanted):
    found = Processing(3, before=(step,)).fitted(PLANE).enter(PLANE)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
