"""The processing of whole planes and their parts."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.graph.processing import Processing
from napari_sr.graph.processing_steps import Clip, Linear, ScaleRange, Standardise

PLANE = np.random.default_rng(0).normal(300, 90, (7, 9, 3)).astype(np.float32)
WIDE = PLANE.astype(np.float64)


def test_a_part_gets_the_statistics_of_the_plane_after_the_steps_before():
    processing = Processing(3, before=(Clip(200.0, 400.0), Linear(0.5), ScaleRange(5, 95)))

    part = processing.fitted(PLANE).enter(PLANE[2:4, 3:8])

    inner = WIDE.clip(200, 400) * 0.5
    low, high = np.percentile(inner, [5, 95])
    np.testing.assert_allclose(part, (inner[2:4, 3:8] - low) / (high - low + 1e-6), rtol=1e-5)


def test_values_that_the_author_does_not_allow_are_refused_unless_steps_adapt_to_them():
    limits = (0.0, 255.0)
    scaled = Processing(3, before=(Linear(1 / 255),), limits=limits)

    with pytest.raises(ValueError, match=r"allows values from 0 to 255, but .* from 84.\d+ to 480"):
        scaled.fitted(PLANE)
    Processing(3, before=(Standardise(),), limits=limits).fitted(PLANE)
    with pytest.raises(ValueError, match="allows values from 0 to 255"):
        Processing(3, (Standardise(),), (), limits, whole=True).fitted(np.rint(PLANE))
    with pytest.raises(ValueError, match="allows only whole numbers"):
        Processing(3, (Standardise(),), (), None, whole=True).fitted(PLANE)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="takes grey images, got 3 channels"):
        Processing(1).fitted(PLANE)
