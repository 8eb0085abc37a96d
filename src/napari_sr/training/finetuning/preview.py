"""Validate a network; show pictures of one held-out part: LR, bicubic, result and truth.

Symbols: C channels, H x W pixels of the LR image, S scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.layers.resize import imresize
from napari_sr.training.validation import Judgement, flat, judgement, pair_psnr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.graph.network import Network

SIDES = 64, 64
"""Largest height and width of a picture in HR pixels."""
PLACES = 5
"""Number of candidate positions along each axis; the one with most structure is shown."""


@dataclass(frozen=True)
class Preview:
    """Four pictures of the same part. The form labels them with the fields' names.

    Each is uint8, (S * H, S * W) or (S * H, S * W, 3).
    """

    low_resolution: NDArray[np.uint8]
    """The LR image, enlarged by repeating pixels."""
    bicubic: NDArray[np.uint8]
    network: NDArray[np.uint8]
    truth: NDArray[np.uint8]


@dataclass(frozen=True)
class NoisyPreview:
    """Four pictures of the same part of a noisy image, as in `Preview`; there is no truth."""

    source: NDArray[np.uint8]
    """The noisy image, enlarged by repeating pixels."""
    bicubic: NDArray[np.uint8]
    original_network: NDArray[np.uint8]
    """The result of the network before its first step."""
    network: NDArray[np.uint8]


class HeldOut:
    """Validation pairs, and one part of them for pictures.

    Parameters
    ----------
    pairs : sequence of (C, H, W) and (C, S * H, S * W)
        Black is 0, white is 1. Flat pairs, and those that bicubic interpolation restores
        perfectly, are left out.
    scale : int
        S.
    most : int, optional
        Largest number of pairs to keep, spread evenly over all.

    Raises
    ------
    ValueError
        If no pair is left.
    """

    def __init__(
        self, pairs: Sequence[tuple[Tensor, Tensor]], scale: int, most: int | None = None
    ) -> None:
        # the LR image may have one plane more, with the level of its noise
        enlarged = [imresize(lr[: len(hr)], scale) for lr, hr in pairs]
        found = [
            math.inf if flat(hr, scale) else pair_psnr(one, hr, scale)
            for one, (_, hr) in zip(enlarged, pairs, strict=True)
        ]
        self.judged = [index for index, value in enumerate(found) if math.isfinite(value)]
        """Indices of the pairs that are used."""
        if not self.judged:
            raise ValueError(
                f"validation needs structure in the middle of the images, but all {len(pairs)} "
                "held-out parts are flat or restored perfectly by bicubic interpolation: choose "
                "other images"
            )
        if most is not None:
            self.judged = spread(self.judged, most)
        self.pairs = [pairs[index] for index in self.judged]
        enlarged = [enlarged[index] for index in self.judged]
        self.scale = scale
        self.bicubic: float = sum(found[index] for index in self.judged) / len(self.judged)
        """PSNR of bicubic interpolation in dB, computed as for networks."""
        self._index = int(np.argmax([float(hr.std()) for _, hr in self.pairs]))
        self._lr = self.pairs[self._index][0]
        self._enlarged = enlarged[self._index]
        self._rows, self._columns = place_of(self.pairs[self._index][1], scale)

    def judgement(self, network: Network) -> Judgement:
        """Return the mean PSNR of a network in dB, which also decides."""
        return judgement(network, self.pairs)

    @torch.no_grad()
    def show(self, network: Network) -> Preview:
        """Upscale the shown part with a network in eval mode; return the pictures."""
        device = next(network.parameters()).device
        result = network(self._lr[None].to(device))[0].float().cpu()
        lr = self._lr[: len(self._enlarged)]
        repeated = lr.repeat_interleave(self.scale, 1).repeat_interleave(self.scale, 2)
        images = (repeated, self._enlarged, result, self.pairs[self._index][1])
        return Preview(*(picture_of(image[:, self._rows, self._columns]) for image in images))


def spread(every: Sequence[Any], most: int) -> list[Any]:
    """Return at most `most` items, spread evenly."""
    count = min(most, len(every))
    return [every[(2 * k + 1) * len(every) // (2 * count)] for k in range(count)]


def place_of(hr: Tensor, scale: int) -> tuple[slice, slice]:
    """Return the rows and columns with most structure, aligned to LR pixels."""
    height, width = (
        min(size, most) // scale * scale for size, most in zip(hr.shape[1:], SIDES, strict=True)
    )
    tops, lefts = (
        sorted({(size - side) * k // (PLACES - 1) // scale * scale for k in range(PLACES)})
        for size, side in zip(hr.shape[1:], (height, width), strict=True)
    )
    places = [(slice(t, t + height), slice(s, s + width)) for t in tops for s in lefts]
    return max(places, key=lambda place: float(hr[:, place[0], place[1]].std()))


def _array(image: Tensor) -> NDArray[Any]:
    pixels: NDArray[Any] = (image.permute(1, 2, 0) if image.shape[0] == 3 else image[0]).numpy()
    return pixels


def picture_of(image: Tensor) -> NDArray[np.uint8]:
    """Return (C, H, W) in 0..1 as a picture."""
    return _array((image.clamp(0, 1) * 255).round().to(torch.uint8)).copy()
