import numpy as np
import pytest

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.image import ImageFile
from napari_sr.files.lazy_image import LazyImage
from napari_sr.runs.file_range import with_range

PIXELS = np.zeros((5, 7), np.uint16)


def whole(**values):
    return ImageFile(PIXELS, "YX", **values)


def lazy(**values):
    return LazyImage(PIXELS, "YX", {}, **values)


@pytest.mark.parametrize("kind", [whole, lazy])
@pytest.mark.parametrize(
    ("white_is_zero", "given", "found"),
    [
        (False, None, (0, 4095)),
        (True, None, (0, 4095)),
        (False, (10, 200), (10, 200)),
        (True, (10, 200), (3895, 4085)),
        (True, Percentiles(1, 99), Percentiles(1, 99)),
    ],
)
def test_the_range_fits_the_pixels_as_they_are_shown(kind, white_is_zero, given, found):
    image = kind(white_is_zero=white_is_zero, significant_bits=12)

    settings, told = with_range(image, Settings(value_range=given))

    assert settings.value_range == found
    assert told == ([] if given else ["it uses 12 bits: white is 4095"])


@pytest.mark.parametrize("kind", [whole, lazy])
def test_without_a_word_the_type_says_what_is_white(kind):
    assert with_range(kind(), Settings()) == (Settings(), [])
