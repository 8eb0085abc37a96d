"""An index reads the smallest window that contains it, and has the meaning as in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.files.windows import WindowedArray, lengths, split

WHOLE = np.arange(5 * 6 * 7).reshape(5, 6, 7)


def windowed(seen=None):
    def read(window):
        if seen is not None:
            seen.append(window)
        return WHOLE[window]

    return WindowedArray(WHOLE.shape, WHOLE.dtype, read)


parts = st.one_of(
    st.integers(-5, 4),
    st.slices(5),
    st.just(slice(None)),
    st.builds(slice, st.integers(-9, 9), st.integers(-9, 9), st.sampled_from([-2, -1, 1, 3])),
)


@given(st.lists(parts, max_size=3), st.integers(0, 3), st.booleans())
def test_an_index_is_that_of_numpy(index, at, dots):
    index = (*index[:at], ..., *index[at:]) if dots else tuple(index)

    np.testing.assert_array_equal(windowed()[index], WHOLE[index])


def test_no_more_than_the_window_is_read():
    seen = []

    windowed(seen)[1, 2:4, 6:0:-3]

    assert lengths(seen[0]) == (1, 2, 4)


def test_an_empty_window_is_not_read():
    seen = []

    assert windowed(seen)[3:3, 1].shape == (0, 7)
    assert seen == []


@pytest.mark.parametrize("index", [5, -6, (0, 0, 0, 0), (..., ...), None, True, 1.0, [1, 2]])
def test_another_index_is_refused(index):
    with pytest.raises(IndexError):
        split(index, WHOLE.shape)


def test_an_array_knows_its_axes():
    assert (windowed().ndim, windowed().shape, windowed().dtype) == (3, (5, 6, 7), WHOLE.dtype)


def test_an_array_knows_its_number_of_values():
    assert windowed().size == WHOLE.size
