"""Networks as chains: local steps with small global values between them.

Most of a super-resolution network is local: an output pixel depends on a few input pixels
around it. Attention is not: CCA asks for the mean of a whole plane, ESA for a pooled copy of
one. A chain cuts a network exactly there. Its links are

* `Step`: computes planes from planes, pixel by pixel, looking `radius` pixels around;
* `GlobalStats`, `PooledGrid`: gather a small value from a whole plane, piece by piece;
* `ChunkedAttention`: computes a plane each of whose pixels looks at a great part of another plane.

One definition then serves every way of running a network. `graph.run.run` takes the whole image
as one piece; an engine may run each link piece by piece, gather the values in between, and get the
same result; kernels replace the arithmetic inside a step without touching the chain.

Letters: N images, C features, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from torch import Tensor

IMAGE = "image"
RESULT = "result"


@dataclass(frozen=True)
class Window:
    """Where a piece lies in the whole plane, in pixels of the image that enters the network."""

    top: int
    left: int
    height: int
    width: int
    full_height: int
    full_width: int

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Top, left, full height and full width, as the kernels take them."""
        return self.top, self.left, self.full_height, self.full_width

    @classmethod
    def whole(cls, height: int, width: int) -> Window:
        """Return the window that is a whole plane of this size."""
        return cls(0, 0, height, width, height, width)


@dataclass(frozen=True)
class Step:
    """A local computation.

    Zero padding inside `compute` is right at the border of the image; at the edge of a piece
    it is not, so whoever runs pieces reads `radius` pixels more and crops them off.
    """

    compute: Callable[..., Tensor | tuple[Tensor, ...]]
    """Takes the planes of `reads`, each as much larger than the window as it was written, then the
    values of `uses`, then the window where `placed`; returns the planes of `writes`, each
    (N, C, scale * H, scale * W)."""
    reads: tuple[str, ...]
    """Names of planes; the chain starts with `IMAGE`."""
    writes: tuple[str, ...]
    """Names of planes, which may replace earlier ones; the chain ends by writing `RESULT`."""
    radius: int = 0
    """Nothing that is written depends on anything further away than this, in rows or in columns,
    in pixels of the image that enters the network."""
    uses: tuple[str, ...] = ()
    """Names of gathered values."""
    placed: bool = False
    """Whether `compute` must know where its piece lies."""
    scale: int | Fraction = 1
    """How many times larger the written planes are than the image that enters the network."""
    moments: bool = False
    """Whether `compute` returns the moments of its first plane as well, after all planes: mean and
    sum of squared deviations, as `plane_moments` does; and after these, if it likes, the value that
    the next `GlobalStats` would make of them if the piece were the whole plane. Only without a
    radius, where all that a piece computes is kept."""


@dataclass(frozen=True)
class GlobalStats:
    """Gather the mean and variance of every channel over the whole plane."""

    reads: str
    writes: str
    finish: Callable[[Tensor, Tensor, int], Tensor]
    """Takes the mean, the sum of squared deviations from it, both (N, C, 1, 1) in float32
    (float64 for float64 planes), and the number of pixels; returns the value."""


@dataclass(frozen=True)
class PooledGrid:
    """Gather a small plane, each cell of which looks at one square of the large plane.

    Cell (i, j) depends on rows `pitch * i` to `pitch * i + reach - 1` and likewise columns,
    counted from the origin of the image, wherever a piece begins.
    """

    reads: str
    writes: str
    compute: Callable[[Tensor], Tensor]
    """Takes (N, C, H, W), whose origin lies on the grid; returns the cells that fit in it."""
    pitch: int
    reach: int
    finish: Callable[[Tensor], Tensor]
    """Takes all cells; returns the value."""


@dataclass(frozen=True)
class ChunkedAttention:
    """Compute a plane each of whose pixels looks at all of a chunk of pixels, piece by piece.

    Pixels are in row-major order of the whole plane, so where a chunk ends depends on its size.
    All planes are as large as the image.
    """

    reads: tuple[str, str]
    """Names of the query plane and of the key and value plane."""
    writes: str
    length: Callable[[int], int]
    """Takes the number of pixels; returns how many form a chunk. The last one may be shorter."""
    compute: Callable[[Tensor, Iterable[Tensor]], Tensor]
    """Takes some pixels of a chunk in the first plane, (N, C, n), and all of its pixels in the
    second, (N, C, m), some at a time and in order; returns (N, C, n)."""
    traced: Callable[[Tensor, Tensor], Tensor] | None = None
    """Takes all pixels of both planes, (N, C, H * W), and returns (N, C, H * W), in words of which
    tracing makes a loop; of `compute` it would fix the number of chunks."""

    def chunks(self, pixels: int) -> Iterator[slice]:
        """Yield the chunks of so many pixels."""
        length = self.length(pixels)
        for start in range(0, pixels, length):
            yield slice(start, min(start + length, pixels))


Link: TypeAlias = Step | GlobalStats | PooledGrid | ChunkedAttention
Chain: TypeAlias = tuple[Link, ...]


def in_series(
    computations: Iterable[Callable[[Tensor], Tensor]], radius: int, x: str
) -> tuple[list[Step], str]:
    """Return a step for each of some computations in a row, all of one radius.

    Parameters
    ----------
    computations : iterable of callable
        Each takes and returns one plane.
    radius : int
        As in `Step`.
    x : str
        The plane that enters.

    Returns
    -------
    steps : list of Step
    x : str
        The plane that leaves.
    """
    steps: list[Step] = []
    for index, compute_one in enumerate(computations, start=1):
        steps.append(Step(compute_one, (x,), (f"x{index}",), radius))
        x = f"x{index}"
    return steps, x


def receptive_field(chain: Sequence[Link]) -> int | None:
    """Return the radius that a chain looks around a pixel, or None where it sees everything."""
    if not all(isinstance(link, Step) for link in chain):
        return None
    return sum(link.radius for link in chain if isinstance(link, Step))


def inputs_of(link: Link) -> tuple[str, ...]:
    """Return the names of the planes and values that a link takes."""
    if isinstance(link, Step):
        return link.reads + link.uses
    return link.reads if isinstance(link, ChunkedAttention) else (link.reads,)


def outputs_of(link: Link) -> tuple[str, ...]:
    """Return the names of the planes, or of the value, that a link makes."""
    return link.writes if isinstance(link, Step) else (link.writes,)


def _named(link: Link, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> Link:
    if isinstance(link, ChunkedAttention):
        first, second = (inputs.get(name, name) for name in link.reads)
        return replace(link, reads=(first, second), writes=outputs.get(link.writes, link.writes))
    if not isinstance(link, Step):
        reads, writes = inputs.get(link.reads, link.reads), outputs.get(link.writes, link.writes)
        return replace(link, reads=reads, writes=writes)
    return replace(
        link,
        reads=tuple(inputs.get(name, name) for name in link.reads),
        uses=tuple(inputs.get(name, name) for name in link.uses),
        writes=tuple(outputs.get(name, name) for name in link.writes),
    )


def renamed(chain: Sequence[Link], names: Mapping[str, str]) -> Chain:
    """Return the chain with some of its planes and values under other names."""
    return tuple(_named(link, names, names) for link in chain)


def with_one_writer_each(chain: Sequence[Link]) -> Chain:
    """Return the chain with names such that no plane or value replaces an earlier one."""
    now: dict[str, str] = {}
    links = []
    for index, link in enumerate(chain):
        fresh = {name: f"{name}, link {index}" for name in outputs_of(link) if name != RESULT}
        links.append(_named(link, now, fresh))
        now |= fresh
    return tuple(links)
