"""MATLAB's resizing of arrays."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference import SHARED

from napari_sr.evaluation import imresize
from napari_sr.evaluation._reading import read_image

SET5 = SHARED / "data" / "Set5"


@pytest.mark.skipif(not SET5.is_dir(), reason="needs Set5 in ../shared")
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_matlab_s_own_files_are_met_in_every_sample(scale):
    large = read_image(SET5 / "HR" / "butterfly.png")
    height, width = (size // scale * scale for size in large.shape[:2])

    small = imresize(large[:height, :width], Fraction(1, scale))

    np.testing.assert_array_equal(small, read_image(SET5 / f"LR_matlab/x{scale}/butterfly.png"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)])
def test_type_and_axes_stay(dtype, shape):
    result = imresize(np.ones(shape, dtype), 2)

    assert result.dtype == dtype
    assert result.shape == (14, 18, *shape[2:])
    assert (result == 1).all()


def test_sixteen_bits_keep_their_range():
    image = np.full((6, 6), 65535, np.uint16)
    image[3:] = 0

    result = imresize(image, 2)

    assert result.max() == 65535
    assert result.min() == 0


@pytest.mark.parametrize("wrong", [np.zeros(4), np.zeros((2, 2, 2, 2)), np.zeros((4, 4), np.int64)])
def test_what_is_no_image_is_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        imresize(wrong, 2)
