"""Networks as chains: local steps with small global values between them.

Most of a super-resolution network is local: an output pixel depends on a few input pixels
around it. Attention is not: CCA needs the mean of a whole plane, ESA a pooled copy of one. A chain
cuts a network exactly there. Its links are

* `Step`: computes planes from planes; a pixel depends on those up to `radius` pixels away;
* `GlobalStats`, `PooledGrid`: gather a small value from a whole plane, piece by piece;
* `ChunkedAttention`: computes a plane whose pixels depend on large parts of another plane.

One definition serves every way of running a network. `graph.run.run` takes the whole image as one
piece. An engine may run each link piece by piece, gather the values in between, and get the same
result. Kernels replace the arithmetic inside a step and do not change the chain.

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
    """The place of a piece in the whole plane, in pixels of the image that enters the network."""

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
        """Return the window of a whole plane of this size."""
        return cls(0, 0, height, width, height, width)


@dataclass(frozen=True)
class Step:
    """A local computation.

    Zero padding inside `compute` is right at the border of the image, but wrong at the edge of a
    piece. So a piece is read with `radius` more pixels on each side, which are cropped afterwards.
    """

    compute: Callable[..., Tensor | tuple[Tensor, ...]]
    """Takes the planes of `reads`, each at the scale at which it was written, then the values of
    `uses`, then the window if `placed`; returns the planes of `writes`, each
    (N, C, scale * H, scale * W)."""
    reads: tuple[str, ...]
    """Names of planes; the chain starts with `IMAGE`."""
    writes: tuple[str, ...]
    """Names of planes, which may replace earlier ones; the last step writes `RESULT`."""
    radius: int = 0
    """A written pixel depends on pixels at most this many rows and columns away, counted in pixels
    of the network's input image."""
    uses: tuple[str, ...] = ()
    """Names of gathered values."""
    placed: bool = False
    """Whether `compute` needs the place of its piece."""
    localise: Callable[[Tensor, Window], Tensor] | None = None
    """For a `placed` step: takes a value of `uses` and the window of a piece; returns the value
    with which `compute` gives the same planes if it takes the piece for the whole plane. An engine
    can then compile the step for pieces at any place. Such a value is used by no other step."""
    scale: int | Fraction = 1
    """Size of the written planes, relative to the image that enters the network."""
    moments: bool = False
    """Whether `compute` also returns the moments of its first plane, after all planes: mean and sum
    of squared deviations, as `plane_moments` does. After these it may return the value that the
    next `GlobalStats` would compute if the piece were the whole plane. Only with a radius of 0,
    so that no pixel of a piece is cropped."""


@dataclass(frozen=True)
class GlobalStats:
    """Gather the mean and variance of every channel over the whole plane."""

    reads: str
    writes: str
    finish: Callable[[Tensor, Tensor, int], Tensor]
    """Takes the mean and the sum of squared deviations, both (N, C, 1, 1) in float32 (float64 for
    float64 planes), and the number of pixels; returns the value."""


@dataclass(frozen=True)
class PooledGrid:
    """Gather a small plane whose cells each depend on one square of the large plane.

    Cell (i, j) depends on rows `pitch * i` to `pitch * i + reach - 1`, and on the columns of `j`
    likewise. Rows and columns count from the origin of the image, not of a piece.
    """

    reads: str
    writes: str
    compute: Callable[[Tensor], Tensor]
    """Takes (N, C, H, W) with its origin on the grid; returns the cells that fit in it."""
    pitch: int
    reach: int
    finish: Callable[[Tensor], Tensor]
    """Takes all cells; returns the value."""


@dataclass(frozen=True)
class ChunkedAttention:
    """Compute a plane whose pixels each depend on a whole chunk of pixels, piece by piece.

    Pixels are in row-major order of the whole plane, so the ends of chunks depend on its size.
    All planes have the size of the image.
    """

    reads: tuple[str, str]
    """Names of the query plane and of the key and value plane."""
    writes: str
    length: Callable[[int], int]
    """Takes the number of pixels; returns the size of a chunk. The last chunk may be smaller."""
    compute: Callable[[Tensor, Iterable[Tensor]], Tensor]
    """Takes some pixels of a chunk in the query plane, (N, C, n), and all pixels of the chunk in
    the key and value plane, (N, C, m), in order and in parts; returns (N, C, n)."""
    traced: Callable[[Tensor, Tensor], Tensor] | None = None
    """Takes all pixels of both planes, (N, C, H * W); returns (N, C, H * W). Tracing it gives a
    loop; tracing `compute` would fix the number of chunks."""

    def chunks(self, pixels: int) -> Iterator[slice]:
        """Yield the chunks of `pixels` pixels."""
        length = self.length(pixels)
        for start in range(0, pixels, length):
            yield slice(start, min(start + length, pixels))


Link: TypeAlias = Step | GlobalStats | PooledGrid | ChunkedAttention
Chain: TypeAlias = tuple[Link, ...]


def in_series(
    computations: Iterable[Callable[[Tensor], Tensor]], radius: int, x: str
) -> tuple[list[Step], str]:
    """Return one step for each of several computations in series, all with the same radius.

    Parameters
    ----------
    computations : iterable of callable
        Each takes and returns one plane.
    radius : int
        As in `Step`.
    x : str
        Name of the plane that enters.

    Returns
    -------
    steps : list of Step
    x : str
        Name of the plane that leaves.
    """
    steps: list[Step] = []
    for index, compute_one in enumerate(computations, start=1):
        steps.append(Step(compute_one, (x,), (f"x{index}",), radius))
        x = f"x{index}"
    return steps, x


def receptive_field(chain: Sequence[Link]) -> int | None:
    """Return the radius of a chain's receptive field, or None if it covers the whole image."""
    if not all(isinstance(link, Step) for link in chain):
        return None
    return sum(link.radius for link in chain if isinstance(link, Step))


def inputs_of(link: Link) -> tuple[str, ...]:
    """Return the names of the planes and values that a link reads."""
    if isinstance(link, Step):
        return link.reads + link.uses
    return link.reads if isinstance(link, ChunkedAttention) else (link.reads,)


def outputs_of(link: Link) -> tuple[str, ...]:
    """Return the names of the planes, or of the value, that a link writes."""
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
    """Return the chain with some planes and values renamed."""
    return tuple(_named(link, names, names) for link in chain)


def with_one_writer_each(chain: Sequence[Link]) -> Chain:
    """Return the chain with unique names: no plane or value replaces an earlier one."""
    now: dict[str, str] = {}
    links = []
    for index, link in enumerate(chain):
        fresh = {name: f"{name}, link {index}" for name in outputs_of(link) if name != RESULT}
        links.append(_named(link, now, fresh))
        now |= fresh
    return tuple(links)
