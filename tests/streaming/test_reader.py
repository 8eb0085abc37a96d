import numpy as np
import pytest
from blocks import Counting, reader_of

from napari_sr.engine.image.faint import FaintImageWarning
from napari_sr.engine.image.value_range import OutsideRangeWarning, Percentiles
from napari_sr.streaming.reader import value_range


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
