"""Pairs of an LR and an HR image: whole images for validation, crops for training.

Symbols: C channels, H x W pixels of an LR image, S scale.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.noise_level import estimated_noise
from napari_sr.layers.colour import grey_to_luma, luma_to_grey, rgb_to_ycbcr
from napari_sr.training.data.degradation import Degradation
from napari_sr.training.data.folder import BYTE, MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.training.data.pictures import Picture

LARGEST = 1 << 26
"""Largest number of values in a picture that is downscaled as a whole; in larger pictures, each
crop is downscaled."""


class Pairs:
    """Pictures and their LR images.

    Parameters
    ----------
    pictures : sequence of Picture
        At least one. Rows and columns beyond a multiple of the scale are left out.
    degradation : Degradation or sequence of Picture
        The degradation that makes LR images, or the recorded LR pictures, one for each picture.
    scale : int
        S.
    channels : int
        The network's channels. 1: luma networks, which get BT.601 luma in 16/255..235/255, even
        from grey pictures. 3: RGB, with three equal channels for grey pictures.
    full_range : bool
        Whether a network of 1 channel gets grey in 0..1, and luma stretched to 0..1.
    takes_noise : bool
        Whether LR images get one more plane with the level of their noise: see
        `Network.takes_noise`. In recorded pictures, it is estimated.
    memory : int
        Bytes of LR images to keep in memory.

    Raises
    ------
    ValueError
        If there are no pictures, a picture is smaller than one LR pixel, scale or channels are
        wrong, or the recorded LR pictures do not match.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        degradation: Degradation | Sequence[Picture],
        *,
        scale: int,
        channels: int,
        full_range: bool = False,
        takes_noise: bool = False,
        memory: int = MEMORY,
    ) -> None:
        if not isinstance(scale, int) or scale < 1 or channels not in (1, 3):
            raise ValueError(
                "scale must be a whole number of at least 1, and channels 1 or 3, got "
                f"scale={scale}, channels={channels}"
            )
        if not pictures:
            raise ValueError("pairs need at least one picture, got none")
        for picture in pictures:
            if min(picture.height, picture.width) < scale:
                raise ValueError(
                    f"{picture.name} is too small for scale {scale}: it has {picture.height} x "
                    f"{picture.width} pixels"
                )
        self.pictures = list(pictures)
        self.degradation = degradation if isinstance(degradation, Degradation) else Degradation()
        self.recorded = None if isinstance(degradation, Degradation) else list(degradation)
        if self.recorded is not None:
            check_fit(self.pictures, self.recorded, scale)
        self.scale = scale
        self.channels = channels
        self.full_range = full_range
        self.takes_noise = takes_noise
        self._free = memory
        self._levels: dict[int, float] = {}
        self._means: dict[int, float] = {}
        self._kept: dict[int, NDArray[Any]] = {}
        self._fitted: dict[int, Degradation] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pictures)

    def size(self, index: int) -> tuple[int, int]:
        """Return H and W of an LR image."""
        picture = self.pictures[index]
        return picture.height // self.scale, picture.width // self.scale

    def whole(self, index: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return a whole pair: (channels, H, W) and (channels, S * H, S * W), float32 in 0..1.

        Parameters
        ----------
        index : int
            Index of the picture.
        random : Generator
            Source of the degradation's random numbers; equal seeds give equal pairs.
        """
        height, width = self.size(index)
        return self.window(index, slice(0, height), slice(0, width), random)

    def window(
        self, index: int, rows: slice, columns: slice, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the part of a pair at these rows and columns of the LR image; see `whole`."""
        degradation = self.fitted(index).drawn(random)
        if degradation.needs_mean:
            degradation = degradation.of_image(self._mean(index))
        picture, scale = self.pictures[index], self.scale
        lr = None if self.recorded is not None else self._kept_lr(index)
        if self.recorded is not None or lr is not None:
            hr = picture.crop(_times(rows, scale), _times(columns, scale))
        if self.recorded is not None:
            part = self.recorded[index].crop(rows, columns)
        elif lr is not None:
            part = torch.from_numpy(lr[:, rows, columns].astype(np.float32))
            part = part if picture.steps is None else part / picture.steps
        else:
            part, hr = self._shrunk(index, rows, columns, degradation)
        part, hr = degradation.split(part, hr, random)
        part = self.coloured(part)
        if self.takes_noise:
            part = torch.cat((part, torch.full_like(part[:1], self._noise(index, degradation))))
        return part, self.coloured(hr)

    def fitted(self, index: int) -> Degradation:
        """Return the degradation, fitted to a picture."""
        with self._lock:
            if index not in self._fitted:
                self._fitted[index] = self.degradation.fitted(self.pictures[index])
            return self._fitted[index]

    def _noise(self, index: int, degradation: Degradation) -> float:
        """Return the level of the noise of an LR image, where white is 1."""
        if self.recorded is None:
            return degradation.noise_at(self._mean(index))
        if index not in self._levels:
            self._levels[index] = _estimated(self.recorded[index])
        return self._levels[index]

    def _mean(self, index: int) -> float:
        """Return the mean of a whole picture, where white is 1."""
        if index not in self._means:
            self._means[index] = float(self.pictures[index].whole().mean())
        return self._means[index]

    def _shrunk(
        self, index: int, rows: slice, columns: slice, degradation: Degradation
    ) -> tuple[Tensor, Tensor]:
        """Downscale a part with a margin, then cut off the margin; return it with its truth."""
        margin, picture, scale = degradation.margin(self.scale), self.pictures[index], self.scale
        height, width = self.size(index)
        down = slice(max(rows.start - margin, 0), min(rows.stop + margin, height))
        across = slice(max(columns.start - margin, 0), min(columns.stop + margin, width))
        hr = picture.crop(_times(down, scale), _times(across, scale))
        hr = degradation.seen(hr, scale)
        lr = degradation.shrink(hr, scale, picture.steps)
        inside = slice(rows.start - down.start, rows.stop - down.start)
        beside = slice(columns.start - across.start, columns.stop - across.start)
        return lr[:, inside, beside], hr[:, _times(inside, scale), _times(beside, scale)]

    def _kept_lr(self, index: int) -> NDArray[Any] | None:
        """Return the whole LR image in the picture's type, or None if it is not in memory."""
        kept = self._kept.get(index)
        picture = self.pictures[index]
        height, width = self.size(index)
        too_large = picture.height * picture.width * picture.channels > LARGEST
        if kept is not None or too_large or not self.degradation.repeatable:
            return kept
        kind = {None: np.float32, BYTE: np.uint8}.get(picture.steps, np.uint16)
        size = height * width * picture.channels * np.dtype(kind).itemsize
        with self._lock:
            if size > self._free:
                return None
            self._free -= size
        lr = self._shrunk(index, slice(0, height), slice(0, width), self.degradation)[0]
        if picture.steps is not None:
            lr = (lr * picture.steps).round()
        self._kept[index] = lr.numpy().astype(kind)
        return self._kept[index]

    def coloured(self, image: Tensor) -> Tensor:
        """Convert an image, (..., C, h, w), to the channels of the network."""
        if self.channels == 3:
            return image if image.shape[-3] == 3 else image.expand(*image.shape[:-3], 3, -1, -1)
        if image.shape[-3] == 1:
            return image if self.full_range else grey_to_luma(image)
        luma = rgb_to_ycbcr(image.reshape(-1, *image.shape[-3:]))[:, :1]
        luma = luma.reshape(*image.shape[:-3], *luma.shape[1:])
        return luma_to_grey(luma) if self.full_range else luma


def check_fit(pictures: Sequence[Picture], recorded: Sequence[Picture], scale: int) -> None:
    """Check that LR pictures match the HR pictures.

    Raises
    ------
    ValueError
        If their number, colours or sizes differ; the message names both pictures.
    """
    if len(pictures) != len(recorded):
        raise ValueError(
            f"each HR picture needs its LR picture, got {len(pictures)} HR and {len(recorded)} LR"
        )
    for hr, lr in zip(pictures, recorded, strict=True):
        fits = (hr.height // scale, hr.width // scale) == (lr.height, lr.width)
        if not fits or hr.channels != lr.channels:
            raise ValueError(
                f"{lr.name} must be {hr.name} downscaled {scale} times, got {lr.height} x "
                f"{lr.width} "
                f"pixels of {lr.channels} channels (LR) and {hr.height} x {hr.width} pixels of "
                f"{hr.channels} channels (HR)"
            )


def _estimated(picture: Picture) -> float:
    """Return the estimated level of a picture's noise, where white is 1."""
    image = picture.whole().mean(dim=0).numpy()
    return estimated_noise(image, layout_of(image.shape, image.dtype, "YX"))


def _times(span: slice, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)
