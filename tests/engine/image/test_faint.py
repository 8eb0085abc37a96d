from __future__ import annotations

import warnings

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.faint import FaintImageWarning
from napari_sr.engine.image.value_range import check_values


def check(image):
    check_values(image, layout_of(image.shape, image.dtype, None), None)


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        (
            (100, 4095),
            np.uint16,
            r"uint16 image span 100 to 4095, 6\.1% of the range from black to white, 0 to 65535: "
            "networks do worse on such a faint image, and may change flat areas by 131;",
        ),
        ((-1024, 3071), np.int16, r"int16 image span -1024 to 3071, 6\.2% .* -32768 to 32767"),
        (
            (0, 0.02),
            np.float32,
            r"float32 image span 0 to 0\.02, 2\.0% of the range from black to white, 0 to 1:",
        ),
        (
            (200, 200),
            np.uint16,
            "all values of this uint16 image are 200, in a range from black to white of 0 to 65535:"
            " .* flat areas by 131;",
        ),
    ],
)
def test_a_faint_image_is_reported_with_its_values(values, kind, words):
    image = np.full((3, 4, 5), values[0], kind)
    image[2, 1, 1] = values[1]

    with pytest.warns(FaintImageWarning, match=words):
        check(image)


@pytest.mark.parametrize(
    "image",
    [
        np.array([[0, 20_000]], np.uint16),
        np.array([[3, 7]], np.uint8),
        np.zeros((2, 2), np.uint16),
        np.full((2, 2), 20_000, np.uint16),
        np.full((2, 2), 0.01, np.float32),
        np.array([[0.0, np.nan, 0.5]]),
        np.full((2, 2), np.nan),
    ],
)
def test_other_images_are_not_reported(image):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(image)
