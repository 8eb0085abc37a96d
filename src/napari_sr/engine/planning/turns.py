"""The order in which the stages of a run compute their tiles.

By default, each stage goes over the whole plane before the next one begins, and the features that
it keeps are stored for the whole plane. For 8192x8192 px, those of BSRN-S take 55 GB at a time.

Often, no value depends on the whole plane: BSRN-S and RFDN gather only small planes whose cells
each depend on pixels nearby (`PooledGrid.radius`). Then stages can take turns, strip by strip. In
every turn, each stage computes one more row of tiles, from what the stages before it have just
computed. Each stage lags behind the one before it by the rows that its tiles read below those that
they keep. Features are freed as soon as no stage will read them, so only some rows of each plane
are stored. The pixels are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.engine.planning.tiling import Span
from napari_sr.graph.chain import IMAGE, RESULT, PooledGrid, Step, outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_sr.engine.planning.stage_plan import Stage
    from napari_sr.engine.planning.tile_grid import TileGrid
    from napari_sr.graph.chain import Chain

LEAST_BAND, MOST_BANDS = 64, 64
"""Smallest number of rows in a band, and largest number of bands in a plane: each may be an open
file."""
BAND_IN_TURNS = 32
"""Rows of a band if stages take turns. All stages have rows that are used only in part: with bands
of 128 rows, BSRN-S would store 5.9 GiB instead of 3.9 for 8192x8192 px in strips of 192 rows."""


@dataclass(frozen=True)
class Turn:
    """Rows of tiles that a stage computes before another stage takes its turn."""

    stage: int
    """Number of the stage."""
    rows: tuple[Span, ...] = ()
    """Rows that the tiles read and keep, from top to bottom; for a `PooledGrid`, rows of cells.
    Empty if the stage goes over the whole plane."""


def lags(stages: Sequence[Stage], chain: Chain, multiple: int) -> list[int] | None:
    """Return by how many rows each stage lags behind the rows of the image that are used.

    Parameters
    ----------
    stages : sequence of Stage
        Stages of the chain, in order.
    chain : Chain
        A chain in which each name has one writer.
    multiple : int
        Tiles begin at multiples of this row number, so lags are multiples of it.

    Returns
    -------
    list of int or None
        None if a stage needs the whole plane, so that the stages cannot take turns.
    """
    behind = {IMAGE: 0}
    found: list[int] = []
    for stage in stages:
        link = None if stage.gather is None else chain[stage.gather]
        if stage.at_once or not _is_local(link):
            return None
        links = [chain[index] for index, _ in stage.steps]
        used = {name for one in links if isinstance(one, Step) for name in one.uses}
        lag = max(behind.get(name, 0) for name in (*stage.reads, *used)) + stage.halo
        lag += link.lag if isinstance(link, PooledGrid) else 0
        lag = math.ceil(lag / multiple) * multiple
        kept = stage.keeps if link is None else (*stage.keeps, *outputs_of(link))
        behind |= dict.fromkeys(kept, lag)
        found.append(lag)
    return found


def can_take_turns(chain: Chain) -> bool:
    """Return whether no value of a chain depends on whole planes, so that stages can take turns."""
    return all(isinstance(link, Step) or _is_local(link) for link in chain)


def _is_local(link: object) -> bool:
    """Return whether what a stage gathers is computed from parts of a plane, and used by parts."""
    return link is None or (isinstance(link, PooledGrid) and link.radius is not None)


def in_strips(
    stages: Sequence[Stage], chain: Chain, grid: TileGrid, behind: Sequence[int]
) -> tuple[Turn, ...]:
    """Return the turns of stages that compute one row of tiles at a time.

    Parameters
    ----------
    stages, chain
        Stages of a chain.
    grid : TileGrid
        Tiles of a plane, with a `strip`.
    behind : sequence of int
        How far each stage lags behind the image; see `lags`.
    """
    done = [0] * len(stages)
    turns: list[Turn] = []
    for bottom in _bottoms(stages, grid, behind):
        for number, stage in enumerate(stages):
            link = None if stage.gather is None else chain[stage.gather]
            if isinstance(link, PooledGrid):
                # the link itself lags by as much as its value
                known = bottom if bottom == grid.height else bottom - behind[number] + link.lag
                spans = _pieces(done[number], link.cells(known), link.cells(grid.tile))
            else:
                stop = bottom if bottom == grid.height else bottom - behind[number]
                spans = tuple(_rows(done[number], stop, grid, stage.halo))
            if spans:
                turns.append(Turn(number, spans))
                done[number] = spans[-1].keep.stop
    return tuple(turns)


def _bottoms(stages: Sequence[Stage], grid: TileGrid, behind: Sequence[int]) -> Iterator[int]:
    """Yield the first row of the image that each strip does not use.

    The first strip is so high that every stage can compute a tile. From then on, each stage
    computes one row of tiles in every strip, except the last one.
    """
    halo = max(stage.halo for stage in stages)
    bottom = max(behind) + grid.strip + math.ceil(halo / grid.multiple) * grid.multiple
    while bottom < grid.height:
        yield bottom
        bottom += grid.strip
    yield grid.height


def _rows(start: int, stop: int, grid: TileGrid, halo: int) -> Iterator[Span]:
    """Yield the rows of tiles that keep the rows from `start` to `stop`; all have one height.

    If the rows that are left are fewer than a tile keeps, the tile is shifted upward, and computes
    some rows again.
    """
    height, _ = grid.size(halo)
    readable = stop if stop == grid.height else stop + halo
    while start < stop:
        last = math.ceil((readable - height) / grid.multiple) * grid.multiple
        top = max(min(start - halo if start else 0, last), 0)
        end = min(top + height, readable)
        kept = end if end == grid.height else end - halo
        yield Span(slice(top, end), slice(start, kept))
        start = kept


def _pieces(start: int, stop: int, together: int) -> tuple[Span, ...]:
    """Return rows of cells from `start` to `stop`, at most `together` at a time."""
    edges = range(start, stop, max(together, 1))
    pieces = (slice(edge, min(edge + max(together, 1), stop)) for edge in edges)
    return tuple(Span(piece, piece) for piece in pieces)


def rows_of_a_band(height: int, multiple: int, *, turns: bool = False) -> int:
    """Return how many rows of a plane are stored and freed together.

    Parameters
    ----------
    height : int
        Height of the image in pixels.
    multiple : int
        Bands begin at multiples of this row number.
    turns : bool
        Whether the stages take turns, so that only some rows of a plane are stored at a time.
    """
    rows = BAND_IN_TURNS if turns else max(LEAST_BAND, math.ceil(height / MOST_BANDS))
    return math.ceil(rows / multiple) * multiple


def rows_needed_later(
    turns: Sequence[Turn], stages: Sequence[Stage], chain: Chain
) -> list[dict[str, int]]:
    """Return, for each turn, the first row of each plane that later turns read; by name.

    A plane that no later turn reads is left out.
    """
    found: list[dict[str, int]] = []
    needed: dict[str, int] = {}
    for turn in reversed(turns):
        found.append(dict(needed))
        stage = stages[turn.stage]
        link = None if stage.gather is None else chain[stage.gather]
        pitch = link.pitch if isinstance(link, PooledGrid) else 1
        first = turn.rows[0].read.start * pitch if turn.rows else 0
        for name in stage.reads:
            needed[name] = min(needed.get(name, first), first)
    return found[::-1]


def most_stored(
    turns: Sequence[Turn],
    stages: Sequence[Stage],
    chain: Chain,
    sizes: Mapping[str, float],
    band: int,
) -> float:
    """Return the largest total size of the stored features, summed over the rows of planes.

    Parameters
    ----------
    turns, stages, chain
        The turns of the stages of a chain.
    sizes : mapping of str to float
        Size of a row of each plane.
    band : int
        Rows that are stored and freed together.
    """
    done: dict[str, int] = {}
    freed: dict[str, int] = {}
    stored: dict[str, float] = {}
    most, total = 0.0, 0.0

    def update(name: str) -> float:
        """Return by how much the size of all that is stored changes with a plane."""
        before = stored.get(name, 0.0)
        bands = math.ceil(done[name] / band) - freed.get(name, 0)
        stored[name] = sizes[name] * bands * band
        return stored[name] - before

    for turn, later in zip(turns, rows_needed_later(turns, stages, chain), strict=True):
        stage = stages[turn.stage]
        for name in stage.keeps:
            if name != RESULT:
                done[name] = turn.rows[-1].keep.stop
                total += update(name)
        most = max(most, total)
        for name in stage.reads:
            if name in done:
                whole = math.ceil(done[name] / band)
                freed[name] = later[name] // band if name in later else whole
                total += update(name)
    return most
