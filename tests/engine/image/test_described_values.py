"""Values of a plane that are processed as an author describes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.conversion import Filled, fill_missing
from napari_sr.engine.image.described_values import DescribedValues
from napari_sr.graph.processing import Processing
from napari_sr.graph.processing_steps import Linear, Standardise

PIXELS = np.random.default_rng(0).random((6, 8, 1)).astype(np.float32) * 1000
SPAN = slice(0, 6), slice(0, 8)


def test_pixels_are_converted_there_and_back():
    processing = Processing(1, before=(Standardise(),), after=(Linear(10.0, 1.0),))
    values = DescribedValues(fill_missing(PIXELS), np.float32, processing)

    entering = values.encode(PIXELS[2:4])

    wanted = (PIXELS - PIXELS.mean()) / PIXELS.std()
    np.testing.assert_allclose(entering, wanted[2:4], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(
        values.decode(entering, slice(2, 4), SPAN[1], 1), entering * 10 + 1
    )
    assert values.bounds.low < -1e38  # only the author knows which results are plausible


def test_missing_pixels_stay_missing():
    holed = PIXELS.copy()
    holed[1, 2] = np.nan
    values = DescribedValues(fill_missing(holed), np.float32, Processing(1))

    result = values.decode(values.encode(values.pixels), *SPAN, 1)

    assert np.argwhere(np.isnan(result)).tolist() == [[1, 2, 0]]


def test_statistics_of_a_part_of_a_plane_are_refused():
    part = Filled(PIXELS, None, whole=lambda: None)

    with pytest.raises(ValueError, match="statistics of a whole plane, but only a part of 6 x 8"):
        DescribedValues(part, np.float32, Processing(1, before=(Standardise(),)))
    DescribedValues(part, np.float32, Processing(1, before=(Linear(2.0),)))


def test_the_uncertainty_of_processed_results_is_refused():
    plain, processed = (
        DescribedValues(fill_missing(PIXELS), np.float32, Processing(1, after=steps))
        for steps in ((), (Linear(2.0),))
    )

    np.testing.assert_array_equal(plain.decode_spread(PIXELS, *SPAN, 1), PIXELS)
    with pytest.raises(ValueError, match="uncertainty is unknown"):
        processed.decode_spread(PIXELS, *SPAN, 1)
