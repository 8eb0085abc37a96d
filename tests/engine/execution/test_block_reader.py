import numpy as np
import pytest
from blocks import Counting, reader_of

from napari_sr.engine.image.conversion import fill_missing


def test_only_the_window_of_a_block_is_read(random):
    image = Counting((random.random((100, 120)) * 255).astype(np.uint8))
    reader = reader_of(image)

    for block in reader.grid:
        window = reader.read(block).pixels[..., 0]
        expected = image.pixels[block.window.rows, block.window.columns]
        np.testing.assert_array_equal(window, expected)

    assert max(image.read) == 22 * 22


def test_missing_pixels_are_filled_as_in_the_whole_plane(random):
    pixels = random.random((70, 60)).astype(np.float32)
    pixels[20:40, 5:50] = np.nan
    pixels[60:] = np.nan
    pixels[random.random((70, 60)) < 0.2] = np.nan
    reader = reader_of(pixels, margin=4, reach=4)
    whole = fill_missing(pixels[..., None], 4)

    for block in reader.grid:
        part = reader.read(block)
        where = block.window.rows, block.window.columns
        # pixels far from any value differ, but affect no pixel with a value
        near = ~np.isnan(fill_near(pixels, 4))[where]
        np.testing.assert_array_equal(part.pixels[..., 0][near], whole.pixels[where][..., 0][near])
        if part.missing is not None:
            np.testing.assert_array_equal(part.missing, whole.missing[where])


def fill_near(pixels, reach):
    """Return 1 where a value is at most `reach` away along both axes, and NaN elsewhere."""
    known = ~np.isnan(pixels)
    near = np.zeros_like(known)
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            near |= shifted(known, row, column)
    return np.where(near, 1.0, np.nan)


def shifted(mask, row, column):
    padded = np.pad(mask, 9)
    height, width = mask.shape
    return padded[9 + row : 9 + row + height, 9 + column : 9 + column + width]


def test_an_infinite_value_is_refused_with_its_place_in_the_image():
    pixels = np.zeros((2, 50, 60), np.float32)
    pixels[1, 37, 41] = np.inf
    reader = reader_of(pixels, axes="ZYX")

    with pytest.raises(ValueError, match=r"first at y=37, x=41 of plane \(1,\)"):
        list(map(reader.read, reader.grid))


def test_the_ends_of_a_plane_are_read_once_and_only_if_they_are_needed(random):
    image = Counting((random.random((2, 40, 60)) * 100).astype(np.uint8))
    reader = reader_of(image, axes="ZYX")
    windows = [reader.read(block) for block in reader.grid]
    before = sum(image.read)
    last = image.pixels[1]

    assert [windows[-1].whole()[:2] for _ in range(2)] == [(last.min(), last.max())] * 2

    assert sum(image.read) == before + 40 * 60


def test_a_window_of_the_whole_plane_needs_no_other_ends(random):
    reader = reader_of((random.random((16, 16)) * 255).astype(np.uint8))

    assert reader.read(reader.grid.block(0)).whole is None
