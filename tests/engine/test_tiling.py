from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.tiling import least_tile, spans, tiles


@given(
    blocks=st.integers(1, 120),
    multiple=st.sampled_from([1, 2, 4]),
    halo=st.integers(0, 20),
    more=st.integers(0, 60),
)
def test_spans_keep_every_pixel_once_and_never_see_their_own_edge(blocks, multiple, halo, more):
    size = blocks * multiple
    tile = least_tile(halo, multiple) + more

    found = spans(size, tile, halo, multiple)

    kept = [pixel for span in found for pixel in range(span.keep.start, span.keep.stop)]
    assert kept == list(range(size))
    assert len({span.read.stop - span.read.start for span in found}) == 1
    for span in found:
        assert span.read.start >= 0 and span.read.stop <= size
        assert span.read.start % multiple == 0
        assert span.read.start == 0 or span.keep.start - span.read.start >= halo
        assert span.read.stop == size or span.read.stop - span.keep.stop >= halo
        assert span.crop.stop - span.crop.start == span.keep.stop - span.keep.start


def test_a_tile_as_large_as_the_axis_reads_it_once():
    (span,) = spans(30, 30, halo=100)

    assert (span.read, span.keep) == (slice(0, 30), slice(0, 30))


def test_a_tile_inside_its_halo_is_refused_with_the_least_that_works():
    with pytest.raises(ValueError, match=r"at least 41 px .* halo of 20 px .* got 40"):
        spans(100, 40, halo=20)


@pytest.mark.parametrize(("size", "multiple"), [(0, 1), (7, 2)])
def test_an_axis_of_no_multiple_is_refused(size, multiple):
    with pytest.raises(ValueError, match=f"multiple of {multiple} long, got {size}"):
        spans(size, 100, 0, multiple)


def test_tiles_are_rows_times_columns():
    found = list(tiles(50, 70, 24, 4))

    assert len(found) == len(spans(50, 24, 4)) * len(spans(70, 24, 4))
    area = sum(
        (tile.rows.keep.stop - tile.rows.keep.start)
        * (tile.columns.keep.stop - tile.columns.keep.start)
        for tile in found
    )
    assert area == 50 * 70
