"""Results beyond the source's values are counted and reported: how many, and how far."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import Hungry, finish

import napari_sr
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.overshoot import Overshoot
from napari_sr.engine.planning.settings import Settings


def edge(kind, low, high):
    image = np.full((32, 32), low, kind)
    image[:, 16:] = high
    return image


def upscaled(image, model="bicubic-x2", **settings):
    steps = upscale_array(image, napari_sr.load(model), Settings(**settings))
    return finish(steps)[1]


def expected(result, low, high):
    values, slack = result.pixels.astype(float), 255e-5
    beyond = np.count_nonzero((values < low - slack) | (values > high + slack))
    return beyond, low - values.min(), values.max() - high


@pytest.mark.parametrize("model", ["bicubic-x2", "lanczos-x2", "fsrcnn-x2"])
@pytest.mark.parametrize("kind", ["float32", "int16", "uint16"])
def test_overshoot_is_recorded_and_reported_with_its_values(kind, model):
    result = upscaled(edge(kind, 30, 220), model, value_range=(0, 255))

    beyond, below, above = expected(result, 30, 220)
    record = result.record["guards"]
    assert min(beyond, below, above) > 0
    assert record["beyond_source"] == beyond
    assert record["below_source_by"] == pytest.approx(below, abs=1e-3)
    assert record["above_source_by"] == pytest.approx(above, abs=1e-3)
    (note,) = result.record["notes"]
    assert note.startswith(f"{beyond} values of the result (")
    assert f"up to {below:g} below and {above:g} above" in note
    assert "the image goes from 30 to 220, and the result from " in note


def test_values_cut_off_at_the_ends_of_a_type_are_counted():
    result = upscaled(edge("uint8", 4, 220))

    record = result.record["guards"]
    floats = upscaled(edge("float32", 4, 220), value_range=(0, 255)).pixels
    assert record["cut_off_at_type"] == np.count_nonzero(floats < -0.5) > 0
    assert record["below_source_by"] == 4
    assert f"{record['cut_off_at_type']} were cut off at the ends" in result.record["notes"][0]


def test_integers_that_fill_their_type_are_not_reported():
    assert upscaled(edge("uint8", 0, 255)).record["notes"] == []


@pytest.mark.parametrize(
    "image", [np.full((20, 20), 7.0), np.full((20, 20, 4), 0.5), np.full((20, 20), np.nan)]
)
def test_rounding_errors_are_not_overshoot(image):
    record = upscaled(image, value_range=(0, 10), ensemble=True).record

    assert record["guards"]["beyond_source"] == 0
    assert record["notes"] == []
    assert (record["guards"]["result_from_to"] is None) == np.isnan(image).all()


def test_opacity_and_missing_pixels_do_not_count():
    image = np.dstack([np.full((16, 16, 3), 0.5), edge("float64", 0, 1)[:16, 8:24]])
    image[3, 3] = np.nan

    assert upscaled(image).record["guards"]["beyond_source"] == 0


def test_each_plane_is_compared_with_its_own_values():
    stack = np.stack([edge("float32", 0, 0.5), edge("float32", 0.2, 1.0)])

    both = upscaled(stack).record["guards"]
    first, second = (upscaled(plane).record["guards"] for plane in stack)

    for key in ("beyond_source", "cut_off_at_type"):
        assert both[key] == first[key] + second[key]
    assert both["above_source_by"] == second["above_source_by"]


def test_a_plane_that_starts_again_is_counted_once():
    class Overshooting(Hungry):
        def compute(self, image):
            return super().compute(image) * 1.2

    image = np.linspace(0.5, 1, 24 * 24, dtype=np.float32).reshape(24, 24)

    _, result = finish(upscale_array(image, Overshooting(limit=200), Settings(tile=24)))

    assert "out of memory" in result.record["notes"][0]
    beyond = np.count_nonzero(result.pixels > 1.00001)
    assert result.record["guards"]["beyond_source"] == beyond


def test_values_that_are_close_to_each_other_are_distinguished():
    overshoot = Overshoot(
        width=0.02, values=10, beyond=3, below=0.01, lowest=101324.99, highest=101325.0
    )

    words = overshoot.in_words((101325.0, 101325.02))

    assert "goes from 101325 to 101325.02, and the result from 101324.99 to 101325" in words


def test_without_a_result_nothing_is_reported():
    assert Overshoot().in_words((0, 1)) == ""
