"""Missing pixels come back missing; impossible results are noticed, and told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.engine.image.guards import Bounds, Diagnostics, check_outliers, fill_missing

NAN = np.nan


def plane(*rows):
    return np.array(rows, np.float32)[..., None]


def test_nothing_changes_where_nothing_is_missing():
    pixels = plane([1, 2], [3, 4])

    filled, missing = fill_missing(pixels)

    assert filled is pixels
    assert missing is None


def test_integers_have_no_missing_pixels():
    assert fill_missing(np.zeros((2, 2, 1), np.uint8))[1] is None


def test_a_missing_pixel_takes_the_nearest_of_its_row_then_of_its_column():
    pixels = plane([1, NAN, NAN, NAN, 5], [NAN, NAN, NAN, NAN, NAN], [9, 9, NAN, 7, 7])

    filled, missing = fill_missing(pixels)

    np.testing.assert_array_equal(filled[0, :, 0], [1, 1, 1, 5, 5])
    np.testing.assert_array_equal(filled[1], filled[0])
    assert filled[2, 2, 0] in (7, 9)
    np.testing.assert_array_equal(missing, np.isnan(pixels))


def test_channels_are_filled_each_from_its_own():
    pixels = np.array([[[1, 10], [NAN, 20]]], np.float32)

    filled, _ = fill_missing(pixels)

    np.testing.assert_array_equal(filled, [[[1, 10], [1, 20]]])


def test_a_plane_without_any_value_is_filled_with_zeros():
    filled, missing = fill_missing(np.full((3, 4, 1), NAN))

    assert not filled.any()
    assert missing.all()


def test_bounds_leave_room_for_overshoot():
    bounds = Bounds.of(np.array([0.2, 0.8], np.float32))

    assert (bounds.low, bounds.high) == pytest.approx((-0.4, 1.4))
    assert Bounds.of(np.array([0.5])).high == 0.75


def test_values_outside_are_clipped_marked_or_kept():
    bounds = Bounds(-1.0, 2.0)
    result = torch.tensor([-5.0, 0.5, 3.0])

    assert bounds.outside(result).tolist() == [True, False, True]
    assert bounds.outside(torch.tensor([NAN, torch.inf])).all()
    assert bounds.corrected(result, "clip").tolist() == [-1, 0.5, 2]
    assert bounds.corrected(result, "keep").tolist() == [-5, 0.5, 3]
    assert bounds.corrected(result, "mark").isnan().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("word", "dtype", "match"),
    [("drop", "float32", "got 'drop'"), ("mark", "uint8", "floats, which have NaN; got uint8")],
)
def test_what_cannot_be_done_with_outliers_is_refused(word, dtype, match):
    with pytest.raises(ValueError, match=match):
        check_outliers(word, np.dtype(dtype))


def test_findings_say_how_many_and_where():
    findings = Diagnostics()
    assert findings.in_words("clip") == ""

    for index in range(9):
        findings.note(f"y=0, x={index}", 3, (-10.0 * index, 7.0))

    words = findings.in_words("clip")
    assert words.startswith("27 values")
    assert "from -80 to 7, and were clipped" in words
    assert "x=4" in words
    assert "x=5" not in words
    assert findings.record()["outliers"] == 27
    assert findings.record()["outliers_from_to"] == (-80, 7)


def look(findings, colours, black, white):
    findings.look(colours, (float(colours.min()), float(colours.max())), black, white)


def test_values_that_are_close_to_each_other_are_told_apart():
    findings = Diagnostics(declared=True)
    findings.note("y=0, x=0", 1, (101324.5, 101325.75))
    look(findings, np.array([[[101325.25], [101325.5]]]), 101325.25, 101325.4)

    words = findings.in_words("clip")

    assert "which go from 101325.25 to 101325.5, are darker" in words
    assert "allows, from 101324.5 to 101325.75, and were clipped" in words


def test_values_beyond_black_and_white_are_counted_over_all_planes_and_told():
    findings = Diagnostics(declared=True)

    look(findings, np.array([[[90], [4095]], [[100], [5000]]], np.uint16), 100, 4095)
    look(findings, np.array([[[100], [4095]]], np.uint16), 100, 4095)

    assert (findings.values, findings.beyond) == (6, 2)
    assert findings.in_words("clip").startswith(
        "33.33% of the image's values, which go from 90 to 5000, are darker than black or brighter"
    )
    assert findings.record()["beyond_black_and_white"] == 2


def test_one_value_of_many_is_not_told_as_none():
    findings = Diagnostics(declared=True)
    look(findings, np.r_[np.zeros(999_999), 2.0].reshape(1000, 1000, 1), 0, 1)

    assert findings.in_words("clip").startswith("0.01% of")


def test_where_all_values_are_within_nothing_is_told():
    findings = Diagnostics(declared=True)
    look(findings, np.array([[[0.0], [1.0]]]), 0, 1)

    assert findings.in_words("clip") == ""


def test_of_a_range_that_nobody_gave_nothing_is_told_but_recorded():
    findings = Diagnostics()
    look(findings, np.array([[[0.0], [1.5]]]), 0, 1)

    assert findings.in_words("clip") == ""
    assert findings.record()["beyond_black_and_white"] == 1
