from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.planning.tiling import fitted, least_tile, spans, tiles


@given(
    size=st.integers(1, 400),
    multiple=st.sampled_from([1, 2, 4]),
    halo=st.integers(0, 20),
    more=st.integers(0, 60),
)
def test_spans_keep_every_pixel_once_and_never_see_their_own_edge(size, multiple, halo, more):
    tile = least_tile(halo, multiple) + more

    found = spans(size, tile, halo, multiple)

    kept = [pixel for span in found for pixel in range(span.keep.start, span.keep.stop)]
    assert kept == list(range(size))
    lengths = [span.read.stop - span.read.start for span in found]
    assert len(set(lengths[:-1])) <= 1
    assert 0 <= lengths[0] - lengths[-1] < multiple
    for span in found:
        assert span.read.start >= 0 and span.read.stop <= size
        assert span.read.start % multiple == 0
        assert span.read.start == 0 or span.keep.start - span.read.start >= halo
        assert span.read.stop == size or span.read.stop - span.keep.stop >= halo
        assert span.read.start <= span.keep.start and span.keep.stop <= span.read.stop


@given(
    size=st.integers(1, 3000),
    multiple=st.sampled_from([1, 2, 4]),
    halo=st.integers(0, 40),
    more=st.integers(0, 900),
)
def test_tiles_read_little_more_than_their_halos_make_unavoidable(size, multiple, halo, more):
    tile = least_tile(halo, multiple) + more

    found = spans(size, tile, halo, multiple)

    lengths = [span.read.stop - span.read.start for span in found]
    assert max(lengths) <= tile
    assert (max(lengths), len(found)) == fitted(size, tile, halo, multiple)
    unavoidable = size + 2 * halo * (len(found) - 1)
    # rounding up to whole multiples, of the tiles and of the steps between them
    assert sum(lengths) <= unavoidable + 3 * multiple * len(found)
    # and no fewer tiles would do
    step = (tile // multiple * multiple - 2 * halo) // multiple * multiple
    assert len(found) == 1 or (len(found) - 2) * step + tile // multiple * multiple < size


@pytest.mark.parametrize("multiple", [1, 2, 3, 4])
def test_even_tiles_are_as_few_as_the_largest_ones_would_be(multiple):
    for halo in range(6):
        for tile in range(least_tile(halo, multiple), 40):
            largest = tile // multiple * multiple
            step = (largest - 2 * halo) // multiple * multiple
            for size in range(tile + 1, 70):
                # tiles of the largest length, one step apart, until one reaches the end
                fewest = 1 + sum(1 for start in range(0, size, step) if start + largest < size)

                assert len(spans(size, tile, halo, multiple)) == fewest


def test_a_tile_as_large_as_the_axis_reads_it_once():
    (span,) = spans(30, 30, halo=100)

    assert (span.read, span.keep) == (slice(0, 30), slice(0, 30))


def test_a_tile_inside_its_halo_is_refused_with_the_least_that_works():
    with pytest.raises(ValueError, match=r"at least 41 px .* halo of 20 px .* got 40"):
        spans(100, 40, halo=20)


def test_an_axis_without_pixels_is_refused():
    with pytest.raises(ValueError, match="at least 1 px long, got 0"):
        spans(0, 100, 0)


@given(blocks=st.integers(1, 120), multiple=st.sampled_from([1, 2, 4]), halo=st.integers(0, 20))
def test_tiles_of_an_axis_that_is_a_multiple_have_one_length(blocks, multiple, halo):
    found = spans(blocks * multiple, least_tile(halo, multiple), halo, multiple)

    assert len({span.read.stop - span.read.start for span in found}) == 1


def test_tiles_are_rows_times_columns():
    found = list(tiles(50, 70, 24, 4))

    assert len(found) == len(spans(50, 24, 4)) * len(spans(70, 24, 4))
    area = sum(
        (tile.keep.rows.stop - tile.keep.rows.start)
        * (tile.keep.columns.stop - tile.keep.columns.start)
        for tile in found
    )
    assert area == 50 * 70
