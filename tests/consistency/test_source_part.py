"""Which part of a source a result shows."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_sr.consistency.source_part import part_of_array, part_of_source, scales_of
from napari_sr.engine.image.arrays import layout_of

LAYOUT = layout_of((5, 40, 50), "uint8", "ZYX")


@pytest.mark.parametrize(
    ("record", "spans"),
    [
        ({}, None),
        ({"plane": None, "region": None}, None),
        ({"plane": (3,)}, ((3, 4), (0, 40), (0, 50))),
        ({"region": ((2, 9), (10, 50))}, ((0, 5), (2, 9), (10, 50))),
        ({"region": [[2, 9], [10, 50]], "plane": [0]}, ((0, 1), (2, 9), (10, 50))),
        ({"kept": ((0, 3), (0, 80), (0, 100)), "scale": 2}, ((0, 3), (0, 40), (0, 50))),
        (
            {"kept": ((0, 2), (0, 25), (0, 65)), "scale": 2, "factor": "13/10"}
            | {"region": ((3, 22), (0, 50))},
            ((0, 2), (3, 22), (0, 50)),
        ),
        (
            {"kept": ((0, 1), (8, 12), (0, 20)), "scale": 2, "plane": (2,)}
            | {"region": ((9, 20), (5, 25))},
            ((2, 3), (13, 15), (5, 15)),
        ),
    ],
)  # fmt: skip
def test_the_record_names_the_part(record, spans):
    assert part_of_source(record, LAYOUT) == spans


def test_a_record_of_a_shrunk_result_names_both_scales():
    assert scales_of({"scale": 3, "factor": "5/2"}) == {"scale": 2.5, "network_scale": 3}
    assert scales_of({"scale": 3}) == {}


def test_a_region_is_found_by_the_letters_of_its_axes():
    layout = layout_of((40, 50, 3), "uint8", "YXS")

    assert part_of_source({"region": ((1, 2), (3, 4))}, layout) == ((1, 2), (3, 4), (0, 3))


@pytest.mark.parametrize("record", [{"plane": (5,)}, {"region": ((0, 41), (0, 9))}])
def test_a_part_that_the_source_lacks_is_an_error_with_both(record):
    with pytest.raises(ValueError, match=r"the part .* larger source, got .* \(5, 40, 50\)"):
        part_of_source(record, LAYOUT)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_part_of_an_array_is_read_where_it_is_sliced(random, lazy):
    pixels = random.random((5, 40, 50))
    spans = ((1, 4), (5, 30), (0, 50))

    part = part_of_array(dask.array.from_array(pixels) if lazy else pixels, spans)

    assert part.shape == (3, 25, 50)
    assert part.dtype == pixels.dtype
    np.testing.assert_array_equal(np.asarray(part[2, slice(3, None), slice(None)]), pixels[3, 8:30])
    assert isinstance(part, np.ndarray) is not lazy
