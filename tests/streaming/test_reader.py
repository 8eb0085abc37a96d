import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import fill_missing
from napari_sr.engine.image.value_range import FaintImageWarning, OutsideRangeWarning, Percentiles
from napari_sr.engine.planning.blocks import BlockGrid
from napari_sr.streaming.reader import BlockReader, value_range


class Counting:
    """An array that remembers the size of everything that is read from it."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.read = []

    def __getitem__(self, index):
        part = self.pixels[index]
        self.read.append(part.size)
        return part


def reader_of(pixels, side=16, margin=3, reach=3, axes=None):
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    return BlockReader(pixels, BlockGrid(layout, side, side, margin), reach)


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
        # pixels that no value is near differ, but affect no pixel with a value
        near = ~np.isnan(fill_near(pixels, 4))[where]
        np.testing.assert_array_equal(part.pixels[..., 0][near], whole.pixels[where][..., 0][near])
        if part.missing is not None:
            np.testing.assert_array_equal(part.missing, whole.missing[where])


def fill_near(pixels, reach):
    """Return the pixels, with values where one is at most `reach` away along each axis."""
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


def test_the_range_is_checked_on_a_few_blocks_only():
    image = Counting(np.full((500, 500), 100, np.uint16))
    reader = reader_of(image)

    with pytest.warns(FaintImageWarning, match="100 to 300"):
        image.pixels[0, 0] = 300
        values = value_range(reader, None, has_weights=True)

    assert (values.low, values.high) == (0, 65535)
    assert sum(image.read) <= 3 * 16 * 16
    with pytest.warns(OutsideRangeWarning):
        value_range(reader_of(np.full((40, 40), 7, np.float32)), None, has_weights=True)


@pytest.mark.parametrize("axes", ["YX", "YXS", "ZYX"])
def test_percentiles_come_from_blocks_of_all_the_image(random, axes):
    shape = {"YX": (300, 200), "YXS": (300, 200, 3), "ZYX": (2, 300, 200)}[axes]
    pixels = (random.random(shape) * 1000).astype(np.uint16)

    values = value_range(reader_of(pixels, axes=axes), Percentiles(1, 99), has_weights=True)

    assert values.low == pytest.approx(10, abs=4)
    assert values.high == pytest.approx(990, abs=4)
