"""Keep all pictures on the device, and cut crops there, if CPU threads are too slow for a GPU.

Symbols: N crops, C channels, P pixels along a crop, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_sr.training.data.crops import Pose
from napari_sr.training.data.degradation import Degradation
from napari_sr.training.data.folder import BYTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.training.data.crops import Crops, Place

POSES = tuple(Pose(flipped, turns) for flipped in (False, True) for turns in range(4))


class DeviceDataset:
    """Draws the same batches as `Crops`, on the device.

    Parameters
    ----------
    crops : Crops
        Crops of 8-bit pictures with a repeatable degradation.
    device : torch.device
        The device that stores the pictures, in three bytes per pixel, and cuts the crops.

    Raises
    ------
    ValueError
        If a picture does not have 8 bits, the degradation is random, or both grey and colour
        pictures are given for a luma network.
    """

    def __init__(self, crops: Crops, device: torch.device) -> None:
        self.crops = crops
        pairs = crops.pairs
        if not (isinstance(pairs.degradation, Degradation) and pairs.degradation.repeatable):
            raise ValueError(
                "to keep pictures on the device, the degradation must not be random, got "
                f"{pairs.degradation!r}"
            )
        if pairs.takes_noise:
            raise ValueError("pictures cannot be kept on the device for a network that takes noise")
        grey = sum(picture.channels == 1 for picture in pairs.pictures)
        colour = len(pairs.pictures) - grey
        if pairs.channels == 1 and grey and colour:
            raise ValueError(
                "to keep pictures on the device for a luma network, all must be grey or all RGB, "
                f"got {grey} grey and {colour} RGB"
            )
        self.grey = not colour
        scale, lrs, hrs = pairs.scale, [], []
        for index, picture in enumerate(pairs.pictures):
            if picture.steps != BYTE:
                raise ValueError(
                    "to keep pictures on the device, they must have 8 bits (white is 255), got "
                    f"{picture.name}, where white is {picture.steps}"
                )
            height, width = pairs.size(index)
            hr = picture.crop(slice(0, scale * height), slice(0, scale * width))
            lr = pairs.degradation.shrink(hr, scale, picture.steps)
            lrs.append(_bytes(lr))
            hrs.append(_bytes(hr))
        self.lr = _PackedPictures(lrs, crops.crop, 1, device)
        self.hr = _PackedPictures(hrs, crops.crop, scale, device)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Cut the crops of a step.

        Parameters
        ----------
        step : int
            Number of the step, from 0.

        Returns
        -------
        tuple of Tensor, (N, C, P, P) and (N, C, S * P, S * P)
            float32 in 0..1, on the device.
        """
        crops = self.crops
        random = np.random.default_rng((crops.seed, crops.rank, step))
        places = [crops.place(random) for _ in range(crops.size)]
        lr, hr = self.lr.cut(places), self.hr.cut(places)
        channels = 1 if self.grey else 3
        coloured = crops.pairs.coloured
        return coloured(lr[:, :channels]), coloured(hr[:, :channels])


class _PackedPictures:
    """Pictures concatenated in one tensor; crops are gathered from it by index."""

    def __init__(
        self, pictures: Sequence[Tensor], crop: int, scale: int, device: torch.device
    ) -> None:
        self.scale, self.device = scale, device
        self.bytes = torch.cat([one.flatten() for one in pictures]).to(device)
        sizes = np.array([one.shape[1:] for one in pictures], dtype=np.int64)
        self.widths, self.planes = sizes[:, 1], sizes.prod(axis=1)
        self.starts = np.cumsum(3 * self.planes) - 3 * self.planes
        side = scale * crop
        grid = torch.arange(side**2).view(side, side)
        turned = torch.stack([pose.apply(grid) for pose in POSES])
        self.rows, self.columns = (turned // side).to(device), (turned % side).to(device)

    def cut(self, places: Sequence[Place]) -> Tensor:
        """Return the crops at the given places, (N, 3, side, side) float32 in 0..1."""
        index = np.array([place.index for place in places])
        corner = self.scale * np.array([(place.top, place.left) for place in places])
        width, plane = self.widths[index], self.planes[index]
        start = self.starts[index] + corner[:, 0] * width + corner[:, 1]
        poses = np.array([POSES.index(place.pose) for place in places])
        numbers = torch.from_numpy(np.stack([start, width, plane, poses])).to(self.device)
        first, across, apart = (one.view(-1, 1, 1, 1) for one in numbers[:3])
        rows, columns = self.rows[numbers[3], None], self.columns[numbers[3], None]
        channel = torch.arange(3, device=self.device).view(1, 3, 1, 1)
        return self.bytes[first + channel * apart + rows * across + columns].float() / BYTE


def _bytes(image: Tensor) -> Tensor:
    """Return (1 or 3, H, W) in 0..1 as (3, H, W) uint8."""
    return (image * BYTE).round().to(torch.uint8).expand(3, -1, -1)
