"""Reports of a run: implausible results, and values beyond black and white."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.conversion import fill_missing
from napari_sr.engine.image.guards import Diagnostics, check_outliers
from napari_sr.engine.image.plane_values import PlaneValues, ValueRange


@pytest.mark.parametrize(
    ("word", "dtype", "match"),
    [("drop", "float32", "got 'drop'"), ("mark", "uint8", "an image of floats, got uint8")],
)
def test_what_cannot_be_done_with_outliers_is_refused(word, dtype, match):
    with pytest.raises(ValueError, match=match):
        check_outliers(word, np.dtype(dtype))


def test_diagnostics_say_how_many_and_where():
    diagnostics = Diagnostics()
    assert diagnostics.in_words("clip") == ""

    for index in range(9):
        diagnostics.add_outliers(f"y=0, x={index}", 3, (-10.0 * index, 7.0))

    words = diagnostics.in_words("clip")
    assert words.startswith("27 values")
    assert "from -80 to 7, were far outside" in words
    assert "allows and were clipped" in words
    assert "x=4" in words
    assert "x=5" not in words
    assert diagnostics.record()["outliers"] == 27
    assert diagnostics.record()["outliers_from_to"] == (-80, 7)


def test_a_single_value_is_singular():
    diagnostics = Diagnostics()
    diagnostics.add_outliers("y=0, x=0", 1, (9.0, 9.0))

    words = diagnostics.in_words("clip")

    assert words.startswith("1 value of the result, from 9 to 9, was far outside the range")
    assert "allows and was clipped" in words


def add_plane(diagnostics, colours, black, white):
    plane = PlaneValues(fill_missing(colours), ValueRange(black, white), colours.dtype)
    diagnostics.add_ends((plane.lowest, plane.highest))
    diagnostics.add_values(plane.visible, plane.beyond)


def test_values_that_are_close_to_each_other_are_distinguished():
    diagnostics = Diagnostics(declared=True)
    diagnostics.add_outliers("y=0, x=0", 1, (101324.5, 101325.75))
    add_plane(diagnostics, np.array([[[101325.25], [101325.5]]]), 101325.25, 101325.4)

    words = diagnostics.in_words("clip")

    assert "which go from 101325.25 to 101325.5, are darker" in words
    assert "the result, from 101324.5 to 101325.75, was far outside" in words


def test_values_beyond_black_and_white_are_counted_over_all_planes_and_reported():
    diagnostics = Diagnostics(declared=True)

    add_plane(diagnostics, np.array([[[90], [4095]], [[100], [5000]]], np.uint16), 100, 4095)
    add_plane(diagnostics, np.array([[[100], [4095]]], np.uint16), 100, 4095)

    assert (diagnostics.values, diagnostics.beyond) == (6, 2)
    assert diagnostics.in_words("clip").startswith(
        "33.33% of the image's values, which go from 90 to 5000, are darker than black or brighter"
    )
    assert diagnostics.record()["beyond_black_and_white"] == 2


def test_one_value_of_many_is_not_reported_as_none():
    diagnostics = Diagnostics(declared=True)
    add_plane(diagnostics, np.r_[np.zeros(999_999), 2.0].reshape(1000, 1000, 1), 0, 1)

    assert diagnostics.in_words("clip").startswith("0.01% of")


def test_values_all_within_the_range_are_not_reported():
    diagnostics = Diagnostics(declared=True)
    add_plane(diagnostics, np.array([[[0.0], [1.0]]]), 0, 1)

    assert diagnostics.in_words("clip") == ""


def test_beyond_an_undeclared_range_is_recorded_but_not_reported():
    diagnostics = Diagnostics()
    add_plane(diagnostics, np.array([[[0.0], [1.5]]]), 0, 1)

    assert diagnostics.in_words("clip") == ""
    assert diagnostics.record()["beyond_black_and_white"] == 1


def test_a_network_that_gets_clipped_values_is_told_of_and_recorded():
    diagnostics = Diagnostics(declared=True)
    diagnostics.add_values(100, 2)
    diagnostics.add_ends((0.0, 300.0))
    other = Diagnostics(declared=True, clipped=True)

    assert "flatten, dim or distort" in diagnostics.in_words("clip")
    assert diagnostics.record()["beyond_interpolated"] is False
    diagnostics.merge(other)

    assert "so the excess was interpolated" in diagnostics.in_words("clip")
    assert diagnostics.record()["beyond_interpolated"] is True
