"""Runs a chain piece by piece with exact windows: proof that its radii and links are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.graph.chain import (
    IMAGE,
    RESULT,
    ChunkedAttention,
    GlobalStats,
    PooledGrid,
    Step,
    Window,
)
from napari_sr.graph.run import compute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    Moments = tuple[int, Tensor, Tensor]
    """Number of pixels, mean and sum of squared deviations of a piece."""


@dataclass(frozen=True)
class Span:
    """Half-open range of one axis."""

    start: int
    stop: int

    def grown(self, radius: int, multiple: int, size: int) -> Span:
        start = (self.start - radius) // multiple * multiple
        stop = -(-(self.stop + radius) // multiple) * multiple
        return Span(max(start, 0), min(stop, size))

    def of(self, scale: int | Fraction, origin: int = 0) -> slice:
        return slice(int(scale * (self.start - origin)), int(scale * (self.stop - origin)))


def spans(size: int, tile: int) -> Iterator[Span]:
    for start in range(0, size, tile):
        yield Span(start, min(start + tile, size))


def run_in_pieces(chain, image: Tensor, tile: int, multiple: int = 1) -> Tensor:
    """Return what `graph.run.run` returns, with every link computed tile by tile."""
    planes, moments, known = {IMAGE: image}, {}, {IMAGE: 1}
    tile = -(-tile // multiple) * multiple
    for link in chain:
        if isinstance(link, Step):
            scales = {name: known[name] for name in link.reads}
            written, parts = _step(link, planes, scales, tile, multiple)
            known |= dict.fromkeys(link.writes, link.scale)
            planes.update(written)
            moments |= {name: [] for name in link.writes} | {link.writes[0]: parts}
        elif isinstance(link, GlobalStats):
            parts = moments.get(link.reads) or _parts(planes[link.reads], tile)
            planes[link.writes] = _merged(link, parts)
        elif isinstance(link, ChunkedAttention):
            planes[link.writes], known[link.writes] = _attended(link, planes, tile**2), 1
        else:
            planes[link.writes] = _cells(link, planes[link.reads])
    return planes[RESULT]


def _step(
    step: Step,
    planes: dict[str, Tensor],
    scales: dict[str, int | Fraction],
    tile: int,
    multiple: int,
) -> tuple[dict[str, Tensor], list[Moments]]:
    """Return the planes that a step writes, and the moments of the first one's pieces."""
    height, width = planes[IMAGE].shape[-2:]
    written: dict[str, Tensor] = {}
    parts: list[Moments] = []
    for rows in spans(height, tile):
        for columns in spans(width, tile):
            read = [
                rows.grown(step.radius, multiple, height),
                columns.grown(step.radius, multiple, width),
            ]
            inputs = {
                name: planes[name][..., read[0].of(scale), read[1].of(scale)]
                for name, scale in scales.items()
            }
            inputs |= {name: planes[name] for name in step.uses}
            size = (read[0].stop - read[0].start, read[1].stop - read[1].start)
            window = Window(read[0].start, read[1].start, *size, height, width)
            outputs, moments = compute(step, inputs, window)
            if moments is not None:
                parts.append((size[0] * size[1], *moments[:2]))
            for name, output in outputs.items():
                scale = step.scale
                if name not in written:
                    shape = (*output.shape[:2], int(scale * height), int(scale * width))
                    written[name] = output.new_full(shape, torch.nan)
                kept = output[..., rows.of(scale, read[0].start), columns.of(scale, read[1].start)]
                written[name][..., rows.of(scale), columns.of(scale)] = kept
    return written, parts


def _parts(plane: Tensor, tile: int) -> Iterator[Moments]:
    """Yield the moments of pieces."""
    for rows in spans(plane.shape[-2], tile):
        for columns in spans(plane.shape[-1], tile):
            piece = plane[..., rows.of(1), columns.of(1)]
            mean = piece.mean(dim=(2, 3), keepdim=True)
            squares = (piece - mean).square().sum(dim=(2, 3), keepdim=True)
            yield piece.shape[-1] * piece.shape[-2], mean, squares


def _merged(link: GlobalStats, parts: Iterable[Moments]) -> Tensor:
    """Merge the moments of pieces by the formula of Chan, Golub and LeVeque (1979)."""
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for more, its_mean, its_squares in parts:
        difference, total = its_mean - mean, count + more
        squares = squares + its_squares + difference.square() * count * more / total
        mean = mean + difference * more / total
        count = total
    return link.finish(mean, squares, count)


def _attended(link: ChunkedAttention, planes: dict[str, Tensor], most: int) -> Tensor:
    """Compute attention for some query pixels at a time, over some keys at a time."""
    looking, seen = (planes[name].flatten(2) for name in link.reads)
    found = []
    for chunk in link.chunks(looking.shape[2]):
        for some in looking[..., chunk].split(most, dim=2):
            found.append(link.compute(some, iter(seen[..., chunk].split(most // 2, dim=2))))
    return torch.cat(found, dim=2).unflatten(2, planes[link.reads[0]].shape[2:])


def _cells(link: PooledGrid, plane: Tensor, together: int = 2) -> Tensor:
    """Compute the grid two by two cells at a time, each from its own square alone."""
    grid = [(size - link.reach) // link.pitch + 1 for size in plane.shape[-2:]]
    rows = []
    for row in spans(grid[0], together):
        line = []
        for column in spans(grid[1], together):
            reads = [
                slice(cells.start * link.pitch, (cells.stop - 1) * link.pitch + link.reach)
                for cells in (row, column)
            ]
            line.append(link.compute(plane[..., reads[0], reads[1]]))
        rows.append(torch.cat(line, dim=-1))
    return link.finish(torch.cat(rows, dim=-2))
