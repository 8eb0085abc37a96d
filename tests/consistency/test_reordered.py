"""Arrays whose axes are in another order than a format's."""

from __future__ import annotations

from itertools import permutations

import dask.array
import numpy as np
import pytest

from napari_sr.consistency.reordered import reordered


@pytest.mark.parametrize("wanted", ["".join(one) for one in permutations("TCYX")])
def test_any_part_is_that_of_a_transposed_array(random, wanted):
    pixels = random.random((2, 3, 4, 5))
    order = ["TCYX".index(letter) for letter in wanted]
    seen = reordered(dask.array.from_array(pixels), "TCYX", wanted)

    expected = pixels.transpose(order)
    assert seen.shape == expected.shape
    for index in (
        (slice(None),) * 4,
        (1, slice(1, 3), slice(None), 0),
        (0, 1, slice(0, 1), slice(2, None)),
    ):
        np.testing.assert_array_equal(seen[index], expected[index])


def test_other_letters_are_refused_and_the_same_order_is_the_same_array(random):
    pixels = random.random((2, 3))

    assert reordered(pixels, "YX", "YX") is pixels
    with pytest.raises(ValueError, match="the source's axes ZYX, got TYX"):
        reordered(pixels, "TYX", "ZYX")
