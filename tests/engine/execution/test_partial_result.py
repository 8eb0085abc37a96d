"""The part of a cancelled run that can be kept: only final pixels, with their position."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from fakes import Nearest, finish
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.execution.partial_result import (
    PartialResult,
    first_planes,
    largest_rectangle,
)
from napari_sr.engine.execution.region import upscale_region
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region


def settings(**options):
    return Settings(device="cpu", engine="torch", **{"tile": 4, **options})


def cancelled(image, after, **options):
    """Return the part to keep of a run that is cancelled after some tiles."""
    partial = PartialResult()
    steps = upscale_array(image, Nearest(), settings(**options), partial=partial)
    for _ in range(after):
        next(steps)
    steps.close()
    return partial.finished(), partial


def boxes(part):
    return tuple(slice(*span) for span in part.spans)


@pytest.mark.parametrize(
    ("after", "kept"),
    [(1, (4, 4)), (2, (4, 8)), (3, (4, 12)), (4, (4, 12)), (5, (8, 8)), (8, (8, 12))],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_partial_plane_keeps_the_largest_finished_rectangle(after, kept, dtype, random):
    image = random.integers(1, 255, (12, 12)).astype(dtype)

    part, _ = cancelled(image, after, value_range=(0, 255))

    expected = image[: kept[0], : kept[1]].repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(part.pixels, expected, rtol=1e-6)
    assert part.spans == ((0, 2 * kept[0]), (0, 2 * kept[1]))
    assert part.shape == (24, 24)
    assert part.share == kept[0] * kept[1] / 144


@pytest.mark.parametrize(
    ("after", "planes", "rows"),
    [
        (1, (1, 1), 4),
        (4, (1, 1), 8),
        (7, (1, 1), 8),
        (9, (1, 2), 8),
        (13, (1, 3), 8),
        (15, (1, 3), 8),
        (24, (2, 3), 8),
    ],
)
def test_a_partial_stack_keeps_whole_planes(after, planes, rows, random):
    image = random.integers(1, 255, (3, 3, 8, 8), np.uint8)

    part, _ = cancelled(image, after)

    inside = (*(slice(0, count) for count in planes), slice(0, rows))
    whole = image.repeat(2, -1).repeat(2, -2)[(*inside[:2], slice(0, 2 * rows))]
    np.testing.assert_array_equal(part.pixels, whole[..., : part.pixels.shape[-1]])
    assert part.pixels.shape[:2] == planes
    assert part.pixels.shape[2] == 2 * rows


def test_axes_in_another_order_and_colours_are_kept(random):
    image = random.integers(1, 255, (8, 2, 8, 3), np.uint8)
    partial = PartialResult()
    network = Nearest(channels=3)
    steps = upscale_array(image, network, settings(), axes="YZXS", partial=partial)
    for _ in range(5):
        next(steps)
    steps.close()

    part = partial.finished()

    assert part.spans == ((0, 16), (0, 1), (0, 16), (0, 3))
    np.testing.assert_array_equal(part.pixels, image.repeat(2, 0).repeat(2, 2)[:, :1])


def test_a_partial_region_keeps_only_pixels_of_the_region(random):
    image = random.integers(1, 255, (150, 150), np.uint8)
    network, region = Nearest(radius=2), ((60, 83), (50, 79))
    shares = []

    def run(partial=None):
        return upscale_region(image, network, region, settings(tile=32), partial=partial)

    tiles, whole = finish(run())
    for after in range(1, len(tiles)):
        partial = PartialResult()
        steps = run(partial)
        for _ in range(after):
            next(steps)
        steps.close()
        part = partial.finished()
        assert partial.record["region"] == region
        if part is not None:
            assert part.shape == whole.pixels.shape
            np.testing.assert_array_equal(part.pixels, whole.pixels[boxes(part)])
            shares.append(part.share)

    assert shares
    assert 0 < min(shares) < 1


@pytest.mark.parametrize("after", [7 * 4, 7 * 4 + 1, 7 * 4 + 3])
def test_an_ensemble_has_pixels_in_its_last_orientation_only(after, random):
    image = random.integers(1, 255, (8, 8), np.uint8)

    part, _ = cancelled(image, after, ensemble=True)

    if after == 28:
        assert part is None
        return
    whole = image.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(part.pixels, whole[boxes(part)])
    assert part.spans[0][1] == part.spans[1][1] == 16  # it begins at the last corner


def test_the_record_of_a_cancelled_run_is_that_of_the_whole(random):
    image = random.integers(1, 255, (8, 8), np.uint8)

    _, partial = cancelled(image, 2)

    result = finish(upscale_array(image, Nearest(), settings()))[1].record
    unlike = {"seconds"}
    assert {k: v for k, v in partial.record.items() if k not in unlike} == {
        k: v for k, v in result.items() if k not in unlike
    }


def test_nothing_is_kept_before_the_first_tile_or_the_end():
    partial = PartialResult()
    layout = layout_of((8, 8), np.uint8)
    partial.begin(np.zeros((8, 8), np.uint8), layout)
    partial[0:4, 0:8] = np.ones((4, 8), np.uint8)
    during = partial.finished()
    partial.end({})
    empty = PartialResult()
    empty.begin(np.zeros((8, 8), np.uint8), layout)
    empty.end({})

    assert during is None
    assert partial.finished().spans == ((0, 4), (0, 8))
    assert empty.finished() is None
    with pytest.raises(RuntimeError, match="call begin first"):
        PartialResult()[0:1, 0:1] = 1


def test_a_plane_that_starts_again_counts_from_its_start():
    partial = PartialResult()
    partial.begin(np.zeros((8, 8), np.uint8), layout_of((8, 8), np.uint8))
    partial[0:4, 0:8] = 1
    partial[4:6, 0:8] = 1

    partial[0:2, 0:8] = 2  # smaller tiles, since memory ran out
    partial.end({})

    assert partial.finished().spans == ((0, 2), (0, 8))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.data())
def test_the_first_planes_are_finished_and_a_box_of_at_least_half(shape, data):
    count = data.draw(st.integers(1, int(np.prod(shape))))

    kept = first_planes(shape, count)

    finished = np.arange(np.prod(shape)).reshape(shape) < count
    assert finished[tuple(slice(0, size) for size in kept)].all()
    assert 2 * np.prod(kept) >= min(count, 2) or count < 2
    assert all(1 <= size <= most for size, most in zip(kept, shape, strict=True))


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_no_other_rectangle_of_tiles_is_larger(rows, columns, data):
    down = np.cumsum([0, *data.draw(st.lists(st.integers(1, 5), min_size=rows, max_size=rows))])
    wide = st.lists(st.integers(1, 5), min_size=columns, max_size=columns)
    across = np.cumsum([0, *data.draw(wide)])
    cells = list(product(range(rows), range(columns)))
    chosen = data.draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
    plane = np.zeros((down[-1], across[-1]), bool)
    tiles = []
    for i, j in chosen:
        (top, bottom), (left, right) = down[i : i + 2].tolist(), across[j : j + 2].tolist()
        tiles.append(Region(slice(top, bottom), slice(left, right)))
        plane[top:bottom, left:right] = True

    found = largest_rectangle(tiles)

    assert plane[found.rows, found.columns].all()
    most = max(
        (b - a) * (d - c)
        for a, b in product(down, down)
        for c, d in product(across, across)
        if a < b and c < d and plane[a:b, c:d].all()
    )
    assert np.prod(found.size) == most
