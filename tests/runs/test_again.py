"""Other pixels are upscaled with the model and settings of a recorded run."""

from __future__ import annotations

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.again import again
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import RecordError
from napari_sr.runs.run import Request, drive, run_request


def recorded(image, **settings):
    request = Request(image, ModelReference("fsrcnn", 2), Settings(device="cpu", **settings))
    return drive(run_request(request))


def test_other_pixels_get_model_and_values_of_the_record(random):
    first = random.integers(100, 4000, (24, 30)).astype(np.uint16)
    other = random.uniform(100, 4000, (24, 30)).astype(np.float32)
    result = recorded(first, value_range=(100, 4095))

    upscale = again(result.record)

    np.testing.assert_array_equal(upscale(first), result.pixels)
    expected = napari_sr.upscale(other, "fsrcnn", 2, value_range=(100, 4095), device="cpu")
    np.testing.assert_allclose(upscale(other), expected, rtol=1e-5)


def test_a_range_that_came_from_the_source_is_kept(random):
    first = random.integers(0, 255, (24, 30)).astype(np.uint8)

    upscale = again(recorded(first).record)

    # floats would go from 0 to 1 by default, and are not cut off at black and white
    found = np.clip(np.rint(upscale(first.astype(np.float32))), 0, 255)
    np.testing.assert_allclose(found, recorded(first).pixels, atol=1)


def test_a_record_that_cannot_be_repeated_is_refused():
    with pytest.raises(RecordError, match="model is missing"):
        again({})
