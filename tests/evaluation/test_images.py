"""Images made comparable."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.evaluation._images import comparable, luma_of, unit_range


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.int16, 32767), (np.float32, 1)]
)
def test_white_is_one_whatever_the_type(dtype, white):
    np.testing.assert_array_equal(unit_range(np.array([0, white], dtype)), [0, 1])


def test_a_range_of_one_s_own_counts():
    np.testing.assert_array_equal(unit_range([100, 300, 500], (100, 300)), [0, 1, 2])


def test_luma_spans_what_matlab_s_does():
    black_and_white = np.array([[0.0, 0, 0], [1, 1, 1]])

    np.testing.assert_allclose(luma_of(black_and_white) * 255, [16, 235])


@pytest.mark.parametrize(
    ("shape", "luma", "found"),
    [
        ((9, 8), True, (5, 4, 1)),
        ((9, 8, 1), True, (5, 4, 1)),
        ((9, 8, 3), True, (5, 4, 1)),
        ((9, 8, 3), False, (5, 4, 3)),
    ],
)
def test_images_have_channels_and_no_border(shape, luma, found):
    pair = comparable(np.zeros(shape), np.ones(shape), 2, luma)

    assert [image.shape for image in pair] == [found, found]


def test_masked_values_cannot_be_judged():
    masked = np.ma.masked_array(np.zeros((4, 5)), mask=np.eye(4, 5, dtype=bool))

    with pytest.raises(ValueError, match="4 of 20 values are NaN, masked or infinite"):
        unit_range(masked)
    with pytest.raises(ValueError, match="4 of 20 values are masked, and uint8"):
        unit_range(np.ma.masked_array(masked, dtype=np.uint8))


def test_tensors_and_arrays_of_two_as_range_are_taken():
    found = unit_range(torch.full((2, 3), 50.0).bfloat16(), np.array([0, 100]))

    assert found.tolist() == [[0.5] * 3] * 2
