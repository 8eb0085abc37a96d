"""An enlarged image has the same position on the ground as its source."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.geotiff import KEYS, PIXEL_SCALE, TIEPOINT, TRANSFORMATION, enlarged_tags

AREA = (12, 8, (1, 1, 0, 1, 1025, 0, 1, 1))
POINT = (12, 8, (1, 1, 0, 1, 1025, 0, 1, 2))


def ground(tags, column, row):
    """Return where a raster point lies, by the standard's equations."""
    if TRANSFORMATION in tags:
        matrix = np.array(tags[TRANSFORMATION][2]).reshape(4, 4)
        return (matrix @ [column, row, 0, 1])[:2]
    i, j, _, x, y, _ = tags[TIEPOINT][2]
    width, height, _ = tags[PIXEL_SCALE][2]
    return np.array([x + (column - i) * width, y - (row - j) * height])


TIED = {PIXEL_SCALE: (12, 3, (3.0, 2.0, 7.0)), TIEPOINT: (12, 6, (4.0, 5.0, 0, 1e5, 4e6, 0))}
MAPPED = {TRANSFORMATION: (12, 16, (3, 0.5, 0, 1e5, 0.25, -2, 0, 4e6, 0, 0, 9, 1, 0, 0, 0, 1))}


@pytest.mark.parametrize("tags", [TIED, MAPPED], ids=["tiepoint", "transformation"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_corners_of_the_image_stay_where_they_are(tags, scale):
    small = {**tags, KEYS: AREA}

    large = enlarged_tags(small, scale)

    for column, row in ((0, 0), (10, 20), (7, 3)):
        np.testing.assert_allclose(
            ground(large, column * scale, row * scale), ground(small, column, row), rtol=1e-12
        )


@pytest.mark.parametrize("tags", [TIED, MAPPED], ids=["tiepoint", "transformation"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_where_points_are_centres_the_corners_stay_too(tags, scale):
    small = {**tags, KEYS: POINT}

    large = enlarged_tags(small, scale)

    # a pixel's corner is half a pixel from its centre
    for column, row in ((0, 0), (10, 20), (7, 3)):
        np.testing.assert_allclose(
            ground(large, column * scale - 0.5, row * scale - 0.5),
            ground(small, column - 0.5, row - 0.5),
            rtol=1e-12,
        )


def test_height_and_projection_stay():
    tags = {**TIED, KEYS: AREA, 34737: (2, 0, "WGS 84|"), 306: (2, 0, "2026:01:02 03:04:05")}

    large = enlarged_tags(tags, 2)

    assert large[PIXEL_SCALE][2] == (1.5, 1.0, 7.0)
    assert [large[tag] for tag in (KEYS, 34737, 306)] == [tags[tag] for tag in (KEYS, 34737, 306)]


def test_tags_of_a_wrong_length_do_no_harm():
    odd = {TRANSFORMATION: (12, 3, (1.0, 2.0, 3.0)), TIEPOINT: (12, 4, (1.0, 2.0, 3.0, 4.0))}

    assert enlarged_tags(odd, 2) == odd
