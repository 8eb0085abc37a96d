"""The network of a model package.

Symbols: N images, C image channels, H x W pixels, S scale.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn

from napari_sr.engine.image.sampling import mirrored
from napari_sr.engine.planning.tiling import scaled
from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.foreign import HALO, Foreign, Hints

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.graph.processing import Processing
    from napari_sr.zoo.bioimage.geometry import Geometry


class Program(Protocol):
    """A network in a file."""

    weights: int

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output for an input."""

    def values_at_once(self, shape: tuple[int, ...]) -> float:
        """Return the largest number of values in memory at once."""


class Packaged(Foreign):
    """A program with the tensors that its description states, as a network.

    Parameters
    ----------
    program : Program
        Computes the network.
    geometry : Geometry
        Axes, sizes, scale and halo.
    processing : Processing or None
        The author's processing of pixels; None for a network from 0..1 to 0..1.
    title : str
        Name of the network in records and errors.
    halo : int or None
        LR pixels by which tiles overlap; None if the network needs whole planes.
    halo_source : str
        Where the halo comes from.
    clips : bool
        Whether results are clipped to 0..1.
    """

    on_cpu = True
    pads_with_zeros = False

    def __init__(
        self,
        *,
        program: Program,
        geometry: Geometry,
        processing: Processing | None,
        title: str,
        halo: int | None,
        halo_source: str,
        clips: bool = False,
    ) -> None:
        height, width = geometry.height, geometry.width
        fixed = not (height.step and width.step)
        hints = Hints(
            multiple=1 if fixed else math.lcm(height.step, width.step),
            whole=fixed or halo is None,
        )
        super().__init__(
            module=nn.Identity(),
            call=_unused,
            title=title,
            scale=geometry.scale,
            channels=geometry.channels,
            hints=hints,
        )
        self._program, self._geometry = program, geometry
        self.processing, self._clips = processing, clips
        # if whole planes do not fit into memory, tiles overlap by a guess
        self.halo = (geometry.halo or HALO) if halo is None else halo
        self.border_halo = geometry.halo or 0
        self.halo_source = halo_source
        probe = [one.fitting(64) for one in (height, width)]
        shape = _shape(geometry, *probe)
        self._values = program.values_at_once(shape) / math.prod(probe)
        """Values per LR pixel that are in memory at once."""

    def chain(self) -> Chain:
        """Return a chain of one step, whose radius is the halo."""
        return (Step(self._compute, (IMAGE,), (RESULT,), self.halo, scale=self.scale),)

    def compute_whole(self, image: Tensor) -> Tensor:
        """Return the network's result, (N, C, S * H, S * W), for an image of any size."""
        return self._run(image)

    def _run(self, image: Tensor) -> Tensor:
        if image.is_meta:
            return self._stand_in(image)
        planes = [self.compute_plane(one) for one in image.float().numpy(force=True)]
        large = torch.from_numpy(np.stack(planes)).to(image)
        return large.clamp(0, 1) if self._clips else large

    def compute_plane(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the result of one plane, (C, H, W), of any size.

        A plane larger than a fixed size is cut into windows that overlap by the halo.
        """
        scale, sizes = self.scale, (self._geometry.height, self._geometry.width)
        rows, columns = (
            [(slice(0, length),) * 2] if one.step else windows(length, one.least, self.halo)
            for one, length in zip(sizes, image.shape[1:], strict=True)
        )
        height, width = image.shape[1:]
        result = np.empty((self.channels, scale * height, scale * width), np.float32)
        for pair in itertools.product(rows, columns):
            large = self._window(image[(slice(None), *(read for read, _ in pair))])
            outer = (scaled(keep, scale) for _, keep in pair)
            inner = (scaled(_inside(keep, read), scale) for read, keep in pair)
            result[(slice(None), *outer)] = large[(slice(None), *inner)]
        return result

    def _window(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the result of a plane that is extended by reflection to an accepted size."""
        sizes = self._geometry.height, self._geometry.width
        height, width = image.shape[1:]
        for axis, (one, length) in enumerate(zip(sizes, (height, width), strict=True), start=1):
            needed = one.fitting(length)
            if needed != length:
                image = image.take(mirrored(np.arange(needed), length, twice=False), axis)
        found = self._program(_arranged(image, self._geometry.order_in))
        large = _planes(found, self._geometry.order_out)
        wanted = (self.channels, self.scale * image.shape[1], self.scale * image.shape[2])
        if large.shape != wanted:
            raise ValueError(
                f"{self.title} must return {wanted} (channels, height, width) by its description, "
                f"got {large.shape}"
            )
        return large[:, : self.scale * height, : self.scale * width]

    def _stand_in(self, image: Tensor) -> Tensor:
        """Return the result of a substitute that needs as much memory and as many operations."""
        images, _, height, width = image.shape
        sizes = self._geometry.height, self._geometry.width
        rows, columns = (
            length if one.step else one.least
            for one, length in zip(sizes, (height, width), strict=True)
        )
        side = max(1, math.isqrt(self._program.weights))
        pixels = image.new_empty(images * height * width, side)
        features = pixels @ image.new_empty(side, side)
        del pixels
        held = features.new_empty(images, max(1, round(self._values)), rows, columns)
        result = held.new_empty(images, self.channels, self.scale * height, self.scale * width)
        return result


def _inside(keep: slice, read: slice) -> slice:
    return slice(keep.start - read.start, keep.stop - read.start)


def largest_overlap(length: int) -> int:
    """Return the largest overlap, on each side, of windows of a fixed length."""
    return (length - 1) // 4


def windows(size: int, length: int, halo: int) -> list[tuple[slice, slice]]:
    """Cut an axis into windows of a fixed length, which overlap by a halo on each side.

    Parameters
    ----------
    size : int
        Length of the axis.
    length : int
        Length of the windows; a shorter axis is one window.
    halo : int
        Pixels that are read but not kept, at most `largest_overlap`.

    Returns
    -------
    list of (slice, slice)
        What each window reads and keeps; the kept parts cover the axis exactly once.
    """
    halo = min(halo, largest_overlap(length))
    if size <= length:
        return [(slice(0, size), slice(0, size))]
    starts = [*range(0, size - length, length - 2 * halo), size - length]
    stops = [*(start + length - halo for start in starts[:-1]), size]
    kept = [0, *stops[:-1]]
    return [
        (slice(start, start + length), slice(first, stop))
        for start, first, stop in zip(starts, kept, stops, strict=True)
    ]


def _unused(module: nn.Module, image: Tensor) -> Tensor:
    raise NotImplementedError("a package's program computes its network")


def _shape(geometry: Geometry, height: int, width: int) -> tuple[int, ...]:
    lengths = {"b": 1, "c": geometry.channels, "y": height, "x": width}
    return tuple(lengths[letter] for letter in geometry.order_in)


def _arranged(image: NDArray[np.float32], order: str) -> NDArray[np.float32]:
    """Return a plane, (C, H, W), with the axes of a tensor."""
    plane = image if "c" in order else image[0]
    letters = "cyx" if "c" in order else "yx"
    turned = plane.transpose([letters.index(letter) for letter in order if letter != "b"])
    whole = np.expand_dims(turned, order.index("b")) if "b" in order else turned
    return np.ascontiguousarray(whole, np.float32)


def _planes(tensor: NDArray[np.float32], order: str) -> NDArray[np.float32]:
    """Return a tensor as a plane, (C, H, W)."""
    if tensor.ndim != len(order) or ("b" in order and tensor.shape[order.index("b")] != 1):
        raise ValueError(f"the network must return the axes {order}, got {tensor.shape}")
    plain = tensor.squeeze(order.index("b")) if "b" in order else tensor
    left = order.replace("b", "")
    turned = plain.transpose([left.index(letter) for letter in "cyx" if letter in left])
    return turned if "c" in order else turned[None]


def arranged_pixels(tensor: NDArray[Any], order: str) -> NDArray[Any]:
    """Return a tensor of one plane as pixels, (H, W, C).

    Raises
    ------
    ValueError
        If it has other axes, or several images.
    """
    return _planes(tensor, order).transpose(1, 2, 0)
