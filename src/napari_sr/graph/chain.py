"""Networks as chains: local steps with small global values between them.

Most of a super-resolution network is local: an output pixel depends on a few input pixels
around it. Attention is not: channel attention (CCA) needs the mean of a whole plane, and spatial
attention (ESA) needs a pooled copy of a whole plane. A chain splits a network at exactly these
places. A plane is a tensor of images or features, (N, C, H, W). The links of a chain are

* `Step`: computes planes from planes; each pixel depends on pixels at most `radius` away;
* `GlobalStats`, `PooledGrid`: gather a small value from a whole plane, piece by piece;
* `ChunkedAttention`: computes a plane whose pixels depend on large parts of another plane.

One definition serves every way of running a network. `graph.run.run` takes the whole image as one
piece. An engine may run each link piece by piece, gather the values in between, and get the same
result. Kernels replace the arithmetic inside a step and do not change the chain.

Symbols: N images, C features, H x W pixels of the image that enters the network.
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
NOISE = "noise"
"""The value that the image has besides its pixels if the network takes the level of the noise."""


@dataclass(frozen=True)
class Window:
    """Position and size of a piece of a plane, in pixels of the image that enters the network."""

    top: int
    left: int
    height: int
    width: int
    full_height: int
    full_width: int

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Top, left, full height and full width: the arguments that kernels expect."""
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
    """Takes the planes of `reads`, each at the scale of the step that wrote it, then the values of
    `uses`, then the window if `placed`. Returns the planes of `writes`, each
    (N, C, scale * H, scale * W)."""
    reads: tuple[str, ...]
    """Names of planes; the chain starts with `IMAGE`."""
    writes: tuple[str, ...]
    """Names of planes, which may replace earlier ones; the last step writes `RESULT`."""
    radius: int = 0
    """A written pixel depends on pixels at most this many rows and columns away, in pixels of the
    image that enters the network."""
    uses: tuple[str, ...] = ()
    """Names of gathered values."""
    placed: bool = False
    """Whether `compute` needs the position of its piece."""
    localise: Callable[[Tensor, Window], Tensor] | None = None
    """For a `placed` step: takes a value of `uses` and the window of a piece; returns the value for
    this piece alone. Given this value, and told that the piece is the whole plane, `compute`
    returns the same planes. So an engine can compile the step once for pieces at all positions. No
    other step may use such a value."""
    scale: int | Fraction = 1
    """Size of the written planes, relative to the image that enters the network."""
    moments: bool = False
    """Whether `compute` also returns, after all planes, the moments of the first plane: mean and
    sum of squared deviations, as `plane_moments` returns them. After the moments, it may return the
    value that the next `GlobalStats` would compute if the piece were the whole plane. This requires
    a radius of 0, so that no pixel of a piece is cropped."""


@dataclass(frozen=True)
class GlobalStats:
    """Gather the mean and variance of every channel over the whole plane."""

    reads: str
    writes: str
    finish: Callable[[Tensor, Tensor, int], Tensor]
    """Takes the mean and the sum of squared deviations, both (N, C, 1, 1) in float32 (float64 for
    float64 planes), and the number of pixels; returns the gathered value."""


@dataclass(frozen=True)
class PooledGrid:
    """Gather a small plane whose cells each depend on one square of the large plane.

    Cell (i, j) depends on rows `pitch * i` to `pitch * i + reach - 1` and on columns `pitch * j` to
    `pitch * j + reach - 1`, counted from the origin of the image, not of a piece. There are as many
    cells as fit into the plane.
    """

    reads: str
    writes: str
    compute: Callable[[Tensor], Tensor]
    """Takes a piece, (N, C, H, W), that begins at multiples of `pitch`; returns the cells that fit
    into it."""
    pitch: int
    reach: int
    finish: Callable[[Tensor], Tensor]
    """Takes all cells; returns the gathered value."""
    radius: int | None = None
    """If given, the value has the size of the cells, cell (i, j) of it depends on cells at most
    this many rows and columns away, and steps enlarge it bilinearly to the whole image. So a piece
    of the image depends on a part of the value, and both can be computed before the rest of the
    plane is known. None if the value may depend on all cells."""

    def cells(self, length: int) -> int:
        """Return how many cells fit into some rows or columns of the plane."""
        return max((length - self.reach) // self.pitch + 1, 0)

    @property
    def lag(self) -> int:
        """How many rows of the plane, at most, must be known below a row that uses the value.

        Half a cell is the distance between centres of cells, and 1 is for rounding.
        """
        if self.radius is None:
            raise ValueError(f"{self.writes} depends on the whole plane, so it has no lag")
        return self.reach + self.pitch * self.radius + self.pitch // 2 + 1


@dataclass(frozen=True)
class ChunkedAttention:
    """Compute, piece by piece, a plane in which each pixel depends on a whole chunk of pixels.

    A chunk is a run of consecutive pixels in row-major order of the whole plane, so the ends of
    chunks depend on the plane's size. All planes have the size of the image.
    """

    reads: tuple[str, str]
    """Names of the query plane and of the key and value plane."""
    writes: str
    length: Callable[[int], int]
    """Takes the number of pixels; returns the size of a chunk. The last chunk may be smaller."""
    compute: Callable[[Tensor, Iterable[Tensor]], Tensor]
    """Takes some of a chunk's pixels in the query plane, (N, C, n), and all of the chunk's pixels
    in the key and value plane, as consecutive parts (N, C, m); returns (N, C, n)."""
    traced: Callable[[Tensor, Tensor], Tensor] | None = None
    """Version of `compute` for export: takes all pixels of both planes, (N, C, H * W); returns
    (N, C, H * W). Tracing it gives a loop; tracing `compute` would fix the number of chunks."""

    def chunks(self, pixels: int) -> Iterator[slice]:
        """Yield the range of each chunk in a plane of `pixels` pixels."""
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
        Name of the input plane.

    Returns
    -------
    steps : list of Step
    x : str
        Name of the output plane.
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
