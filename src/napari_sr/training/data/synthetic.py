"""Synthetic fluorescence: cells, filaments and spots as a perfect microscope would show them.

Photographs have few of the thin bright lines and points on a dark background that fluorescence
images have. So four kinds of structures are drawn at random: bent filaments, spots of very
different brightness, nuclei with a texture, and the membranes of neighbouring cells. Edges are as
sharp as the pixels allow; the `microscope` degradation blurs them later.

Symbols: P pixels along each side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.training.data.blur import Blur
from napari_sr.training.data.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

WHITE = 65_535
"""White in 16 bits."""
LEAST = 16
"""Smallest side of a picture in pixels."""


@dataclass(frozen=True)
class SyntheticImages:
    """A set of synthetic pictures; each depends only on seed and index."""

    count: int
    size: int = 256
    """P, the side of a picture in pixels."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that numbers are within bounds.

        Raises
        ------
        ValueError
            If a number is wrong; the message names all values.
        """
        if self.count < 0 or self.size < LEAST or self.seed < 0:
            raise ValueError(
                "synthetic images need a count and a seed of at least 0 and a size of at least "
                f"{LEAST}, "
                f"got count={self.count}, size={self.size}, seed={self.seed}"
            )

    def pictures(self) -> list[Picture]:
        """Return the pictures, grey, 16 bits; each is drawn at its first use."""
        return [
            Picture(
                name=f"synthetic image {number}",
                height=self.size,
                width=self.size,
                channels=1,
                values=ValueRange(0.0, float(WHITE)),
                steps=WHITE,
                read=partial(_read, self.seed, number, self.size),
            )
            for number in range(self.count)
        ]


def _read(seed: int, number: int, size: int, rows: slice, columns: slice) -> NDArray[Any]:
    return drawn(seed, number, size)[rows, columns]


@lru_cache(maxsize=4096)
def drawn(seed: int, number: int, size: int) -> NDArray[np.uint16]:
    """Draw one image, (P, P): one or two kinds of structure on a dim background."""
    random = np.random.default_rng((seed, number))
    image = np.zeros((size, size))
    for kind in random.choice(len(KINDS), size=int(random.integers(1, 3)), replace=False):
        layer = KINDS[kind](random, size)
        image += layer * random.uniform(0.3, 1) / max(float(np.quantile(layer, 0.999)), 1e-9)
    image += random.uniform(0, 0.1) * _haze(random, size)
    image *= random.uniform(0.4, 1) / max(float(np.quantile(image, 0.999)), 1e-9)
    pixels: NDArray[np.uint16] = np.rint(image.clip(0, 1) * WHITE).astype(np.uint16)
    return pixels


def _filaments(random: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Draw lines that bend a little at every step."""
    count, length = int(random.integers(4, 40)), 4 * size
    start = random.uniform(-0.2, 1.2, (count, 1, 2)) * size
    bend = random.normal(0, random.uniform(0.005, 0.04), (count, length)).cumsum(axis=1)
    heading = random.uniform(0, 2 * np.pi, (count, 1)) + bend
    steps = 0.5 * np.stack([np.sin(heading), np.cos(heading)], axis=-1)
    bright = np.repeat(random.uniform(0.3, 1, count), length)
    places = (start + steps.cumsum(axis=1)).reshape(-1, 2)
    return _soft(_placed(places, bright, size), random.uniform(0.5, 1.2))


def _spots(random: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Draw points, some close together."""
    count = int(size**2 * 10 ** random.uniform(-3.5, -1.8)) + 1
    groups = random.uniform(0, size, (count // 4 + 1, 2))
    places = groups[random.integers(len(groups), size=count)]
    places = places + random.normal(0, random.uniform(2, size / 4), (count, 2))
    return _soft(_placed(places, random.lognormal(0, 0.7, count), size), random.uniform(0.5, 1.5))


def _nuclei(random: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Draw ellipses with a texture."""
    image = np.zeros((size, size))
    grain = _soft(random.normal(0, 1, (size, size)), random.uniform(1, 4))
    grain = np.exp(random.uniform(0.2, 0.8) * grain / grain.std())
    y, x = np.mgrid[:size, :size]
    for _ in range(int(random.integers(3, 25))):
        middle, angle = random.uniform(0, size, 2), random.uniform(0, np.pi)
        radii = random.uniform(size / 25, size / 8) * np.array([1, random.uniform(0.6, 1)])
        down, across = y - middle[0], x - middle[1]
        along = down * np.sin(angle) + across * np.cos(angle)
        beside = down * np.cos(angle) - across * np.sin(angle)
        inside = np.hypot(along / radii[0], beside / radii[1]) < 1
        image = np.maximum(image, inside * grain * random.uniform(0.4, 1))
    return _soft(image, 0.6)


def _membranes(random: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Draw the borders of Voronoi cells that fill the plane."""
    count = int(random.integers(6, 40))
    middles = random.uniform(-0.1, 1.1, (count, 2)) * size
    y, x = np.mgrid[:size, :size]
    far = np.hypot(y[..., None] - middles[:, 0], x[..., None] - middles[:, 1])
    nearest = np.argpartition(far, 1, axis=-1)[..., :2]
    near, next_near = np.moveaxis(np.take_along_axis(far, nearest, axis=-1), -1, 0)
    between = np.linalg.norm(middles[nearest[..., 1]] - middles[nearest[..., 0]], axis=-1)
    away = (next_near**2 - near**2) / (2 * between)
    walls: NDArray[np.float64] = np.exp(-((away / random.uniform(0.6, 1.5)) ** 2) / 2)
    return walls * _haze(random, size)


KINDS: tuple[Callable[[np.random.Generator, int], NDArray[np.float64]], ...]
KINDS = (_filaments, _spots, _nuclei, _membranes)


def _placed(
    places: NDArray[np.float64], bright: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Distribute each point's light over the four pixels around it."""
    image = np.zeros((size + 2, size + 2))
    inside = ((places > -1) & (places < size)).all(axis=1)
    places, bright = places[inside] + 1, bright[inside]
    corner = np.floor(places).astype(np.intp)
    rest = places - corner
    for down in (0, 1):
        for across in (0, 1):
            share = np.abs(1 - down - rest[:, 0]) * np.abs(1 - across - rest[:, 1])
            np.add.at(image, (corner[:, 0] + down, corner[:, 1] + across), bright * share)
    return image[1:-1, 1:-1]


def _soft(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    blurred = Blur(sigma).shrink(torch.from_numpy(image)[None], 1, None)[0]
    return blurred.numpy()


def _haze(random: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Draw a smooth random field from 0 to 1."""
    coarse = torch.from_numpy(random.random((1, 1, 6, 6)))
    haze = functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=True)
    return haze[0, 0].clamp(0, 1).numpy()
