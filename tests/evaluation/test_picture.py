"""Results side by side."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.evaluation.picture import MARGIN, Panel, side_by_side, telling_place


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("place", [(0, 0), (13, 21), (22, 31)])
def test_the_detail_is_where_images_differ_most(size, place):
    first = np.zeros((30, 39))
    second = first.copy()
    top, left = place
    second[top : top + size, left : left + size] = 1
    second[second.sum(axis=1) == 0, 0] += 0.01

    assert telling_place(first, second, size) == (min(top, 30 - size), min(left, 39 - size))


def test_a_detail_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match=r"9 px does not fit into \(8, 12\)"):
        telling_place(np.zeros((8, 12)), np.ones((8, 12)), 9)


def test_details_are_shown_pixel_by_pixel():
    whole = Panel("image", np.zeros((20, 30)))
    chosen = np.zeros((20, 30, 3))
    chosen[5:9, 6:10] = (0, 1, 0)
    chosen[5, 6] = (0, 0, 1)

    picture = np.array(side_by_side(whole, [Panel("green", chosen)], (5, 6), size=4, zoom=8))

    green = (picture == (0, 255, 0)).all(axis=2)
    blue = (picture == (0, 0, 255)).all(axis=2)
    assert green.sum() == 15 * 64
    rows, columns = np.nonzero(blue)
    assert blue.sum() == 64
    assert (rows.min(), np.ptp(rows), np.ptp(columns)) == (MARGIN, 7, 7)


def test_a_frame_tells_where_the_detail_lies():
    whole = Panel("image", np.zeros((20, 30)))

    with_frame = np.array(side_by_side(whole, [whole], (5, 6), size=4, zoom=5))

    inside = with_frame[MARGIN : MARGIN + 20, MARGIN : MARGIN + 30]
    rows, columns = np.nonzero((inside == (214, 39, 40)).all(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 9, 6, 10)
