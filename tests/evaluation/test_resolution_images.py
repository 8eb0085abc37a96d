"""Images that fit are taken; others are refused with their shapes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.evaluation.resolution_images import MOST_SIDE, Images, enlarged, middle

SMALL, LARGE = np.eye(6, 8), np.eye(12, 16)


def test_colours_become_luma_and_the_scale_is_found():
    colours = np.stack([np.full((6, 8), value) for value in (10, 20, 30)], axis=-1)
    colours[0, 0] = 0

    found = Images.of(colours, LARGE)

    assert (found.scale, found.colour) == (2, True)
    # Rec. 601: 0.299 R + 0.587 G + 0.114 B
    np.testing.assert_allclose(found.source.ravel()[1:], 18.15, atol=0.01)


def test_alpha_is_left_out(random):
    colours = random.integers(0, 255, (6, 8, 4), np.uint8)

    found = Images.of(colours)

    assert found.colour
    np.testing.assert_array_equal(found.source, Images.of(colours[..., :3]).source)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ((SMALL, LARGE[:-1]), r"\(6, 8\), enlarged a whole number of times, got \(11, 16\)"),
        ((SMALL, None, LARGE), r"equal shapes, got \(6, 8\) and \(12, 16\)"),
        ((SMALL, None, SMALL.copy()), "the same image"),
        ((SMALL, LARGE, SMALL + 1, LARGE.copy()), "the same image"),
        ((SMALL, LARGE, None, LARGE + 1), "needs that exposure"),
        ((SMALL, None, SMALL + 1, LARGE), "the result of the first"),
        ((np.ones((2, 6, 8)),), r"got \(2, 6, 8\)"),
        ((np.zeros(4),), r"got \(4,\)"),
        ((SMALL, np.ones((12, 16))), "the result: resolution needs an image with detail, got 1"),
        ((SMALL, None, np.full((6, 8), np.nan)), "the second: 48 of 48 values"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, words):
    with pytest.raises(ValueError, match=words):
        Images.of(*images)


def test_the_middle_of_a_large_image_is_measured():
    rows, columns = middle(100, MOST_SIDE, scale=2)

    assert rows == slice(0, 100)
    assert columns == slice(MOST_SIDE // 4, 3 * MOST_SIDE // 4)
    assert enlarged(columns, 2) == slice(MOST_SIDE // 2, 3 * MOST_SIDE // 2)


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_values_without_squares_are_refused(random, scale):
    image = random.random((70, 70)) * scale

    with pytest.raises(ValueError, match="the source: resolution needs values up to 1e"):
        Images.of(image)


def test_an_empty_image_is_refused():
    with pytest.raises(ValueError, match="at least 64 x 64 pixels, got 0 x 50"):
        Images.of(np.zeros((0, 50)), np.zeros((0, 100)))
