import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.region import checked_region
from napari_sr.engine.planning.tiling import Region

LAYOUT = layout_of((2, 90, 80), "uint8", "ZYX")


def test_numbers_and_slices_are_regions():
    expected = Region(slice(0, 90), slice(3, 4))

    assert checked_region(((0, 90), (3, 4)), LAYOUT) == expected
    assert checked_region([np.array([0, 90]), np.array([3, 4])], LAYOUT) == expected
    assert checked_region(expected, LAYOUT) == expected


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (((0, 91), (0, 5)), "top < bottom <= 90"),
        (((-1, 5), (0, 5)), "0 <= top"),
        (((5, 5), (0, 5)), "got"),
        (((0, 5), (79, 81)), "right <= 80"),
        (((0.0, 5), (0, 5)), "whole pixels"),
        (((False, True), (0, 5)), "whole pixels"),
        ((0, 5, 0, 5), "whole pixels"),
        ("all", "whole pixels"),
        (Region(slice(None), slice(0, 5)), "whole pixels"),
    ],
    ids=str,
)
def test_an_invalid_region_is_refused_with_its_value(region, message):
    with pytest.raises(ValueError, match=message):
        checked_region(region, LAYOUT)
