"""Networks that another library defines.

Their receptive field is unknown. So the overlap of tiles is a guess, and seams may be visible; see
`Network.exact`.

Symbols: N images, C image channels, H x W pixels, S scale.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

HALO = 32
"""LR pixels by which tiles overlap on each side. This is a guess; the user's halo replaces it."""


@dataclass(frozen=True)
class Hints:
    """What a network requires of its input."""

    least_size: int = 1
    multiple: int = 1
    """Height and width must be multiples of this."""
    square: bool = False
    """Whether height and width must be equal."""
    whole: bool = False
    """Whether the network should process the whole image in one piece."""
    precisions: tuple[str, ...] = ("float32",)


class Foreign(Network):
    """A module of another library, as a network.

    Parameters
    ----------
    module : nn.Module
        The module.
    call : callable
        Takes the module and an image, (N, C, H, W) in 0..1; returns (N, C, S * H, S * W).
    title : str
        Name of the network in records and errors.
    scale, channels : int
        Enlargement, and channels of input and output images: 1 or 3.
    hints : Hints
        What the module requires of its input.
    """

    exact = False

    def __init__(
        self,
        *,
        module: nn.Module,
        call: Callable[[nn.Module, Tensor], Tensor],
        title: str,
        scale: int,
        channels: int,
        hints: Hints,
    ) -> None:
        super().__init__(scale=scale, channels=channels)
        self.module = module
        self._call = call
        self._title = title
        self.multiple = hints.multiple
        self.least_size = max(hints.least_size, 1)
        self.square = hints.square
        self.whole = hints.whole
        self.precisions = hints.precisions

    @property
    def title(self) -> str:
        """Name of the network in records and errors."""
        return self._title

    @property
    def receptive_field(self) -> int | None:
        """None: the receptive field is unknown."""
        return None

    def chain(self) -> Chain:
        """Return a chain of one step; its radius is unknown, and assumed to be `HALO`."""
        return (Step(self._compute, (IMAGE,), (RESULT,), HALO, scale=self.scale),)

    def _compute(self, image: Tensor) -> Tensor:
        if not image.is_meta:
            return self._run(image)
        try:
            return self._run(image)
        except (RuntimeError, TypeError, ValueError, NotImplementedError):
            return self._stand_in(image)

    def _run(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        if self.square and height != width:
            side = max(height, width)
            image = functional.pad(image, (0, side - width, 0, side - height), mode="replicate")
        # some modules create float32 masks, which cannot be multiplied by half-precision tensors
        half = image.dtype in (torch.float16, torch.bfloat16) and not image.is_meta
        with torch.autocast(image.device.type, image.dtype) if half else nullcontext():
            large = self._call(self.module, image)
        return large[..., : self.scale * height, : self.scale * width].to(image.dtype)

    def _stand_in(self, image: Tensor) -> Tensor:
        """Return the result of a substitute network with as many weights, to estimate costs.

        The substitute multiplies every pixel by one square matrix that contains all weights. Its
        number of features is the side of this matrix.
        """
        side = math.isqrt(sum(weight.numel() for weight in self.parameters()))
        pixels = image.new_empty(image.shape[0] * image.shape[2] * image.shape[3], side)
        features = pixels @ image.new_empty(side, side)
        height, width = (self.scale * size for size in image.shape[2:])
        return features.new_empty(image.shape[0], self.channels, height, width)
