"""Networks with known results, for tests of the code that runs networks."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT, ChunkedAttention, GlobalStats, PooledGrid, Step
from napari_sr.graph.network import Network


class Nearest(Network):
    """Repeats pixels; sums a neighbourhood of `radius`, so that a wrong halo changes the result."""

    def __init__(self, *, scale=2, channels=1, radius=0, multiple=1, least_size=1):
        super().__init__(scale=scale, channels=channels)
        self.radius = radius
        self.multiple = multiple
        self.least_size = least_size
        self.weight = torch.nn.Parameter(torch.ones(1))

    def chain(self):
        return (Step(self.compute, (IMAGE,), (RESULT,), self.radius, scale=self.scale),)

    def compute(self, image):
        side = 2 * self.radius + 1
        mixed = (
            functional.avg_pool2d(image, side, stride=1, padding=self.radius) if side > 1 else image
        )
        return (
            mixed.repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2) * self.weight
        )


class Global(Nearest):
    """Subtracts the mean of the whole image: a halo alone does not make its tiles exact."""

    def chain(self):
        return (
            GlobalStats(IMAGE, "mean", lambda mean, deviations, pixels: mean),
            Step(
                lambda x, mean: self.compute(x - mean),
                (IMAGE,),
                (RESULT,),
                0,
                ("mean",),
                scale=self.scale,
            ),
        )


class Pooled(Nearest):
    """Adds a sum over the largest values of squares, each weighted by its place in the grid."""

    def chain(self):
        return (
            PooledGrid(IMAGE, "sum", lambda x: functional.max_pool2d(x, 5, 3), 3, 5, self.weighted),
            Step(
                lambda x, total: self.compute(x + total),
                (IMAGE,),
                (RESULT,),
                0,
                ("sum",),
                scale=self.scale,
            ),
        )

    @staticmethod
    def weighted(cells):
        weights = torch.arange(1.0, 1 + cells[0, 0].numel(), device=cells.device)
        weighted = cells * weights.reshape(cells.shape[-2:]) / weights.sum()
        return weighted.sum((-2, -1), keepdim=True)


class Chunked(Nearest):
    """Subtracts from each pixel the mean of its third of all pixels, counted row by row."""

    def chain(self):
        return (
            ChunkedAttention((IMAGE, IMAGE), "mean", lambda pixels: max(pixels // 3, 1), self.mean),
            Step(
                lambda x, mean: self.compute(x - mean),
                (IMAGE, "mean"),
                (RESULT,),
                scale=self.scale,
            ),
        )

    @staticmethod
    def mean(looking, seen):
        pieces = list(seen)
        return torch.cat(pieces, dim=2).mean(dim=2, keepdim=True).expand_as(looking)


class Coarse(Nearest):
    """Subtracts the mean of all whole squares of two by two pixels."""

    tile_alignment = 2

    def chain(self):
        return (
            Step(self.pool, (IMAGE,), ("squares",), scale=Fraction(1, 2)),
            GlobalStats("squares", "mean", lambda mean, deviations, pixels: mean),
            Step(
                lambda x, mean: self.compute(x - mean),
                (IMAGE,),
                (RESULT,),
                0,
                ("mean",),
                scale=self.scale,
            ),
        )

    @staticmethod
    def pool(image):
        return functional.avg_pool2d(image, 2)


class Hungry(Nearest):
    """Runs out of memory on tiles of more than `limit` pixels, as a GPU would."""

    def __init__(self, *, limit, error=None, **options):
        super().__init__(**options)
        self.limit = limit
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def compute(self, image):
        if image.shape[-1] * image.shape[-2] > self.limit and image.device.type != "meta":
            raise self.error
        return super().compute(image)


class Watching(Nearest):
    """Remembers the shape of every tile that has data."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seen = []

    def compute(self, image):
        if image.device.type != "meta":
            self.seen.append(tuple(image.shape))
        return super().compute(image)


class Overflowing(Nearest):
    """Returns infinity in float16, as a network of large values would, and not in float32."""

    def compute(self, image):
        return super().compute(image) * 1e5 / 1e5


class Wild(Nearest):
    """Returns implausible values where the image is bright."""

    def compute(self, image):
        return super().compute(torch.where(image > 0.9, image * 1000, image))


def finish(steps):
    """Run a generator to its end; return the list of yielded values and the returned value."""
    yielded = []
    while True:
        try:
            yielded.append(next(steps))
        except StopIteration as end:
            return yielded, end.value
