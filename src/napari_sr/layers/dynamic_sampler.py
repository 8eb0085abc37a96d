"""DySample: enlargement that samples features at positions which it computes.

Liu et al., "Learning to Upsample by Learning to Sample", ICCV 2023, https://arxiv.org/abs/2308.15085

Symbols: N images, C features, G groups of features with own positions, H x W pixels, S scale.
The distance of a position from its pixel has no limit, so no halo makes tiles exact for certain.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_sr.layers.blocks import conv1x1

GROUPS = 4
"""G in all public code."""


class DynamicSampler(nn.Module):
    """Bilinear samples of (N, C, H, W) at computed positions, mapped to (N, outputs, S * H, S * W).

    Parameters
    ----------
    features, outputs : int
        Channels before, a multiple of `GROUPS`, and after.
    scale : int
        S.

    Raises
    ------
    ValueError
        If the features are not a multiple of `GROUPS`.
    """

    init_pos: Tensor

    def __init__(self, features: int, outputs: int, *, scale: int) -> None:
        super().__init__()
        if features % GROUPS:
            raise ValueError(f"DySample needs a multiple of {GROUPS} features, got {features}")
        self.scale = scale
        positions = 2 * GROUPS * scale**2
        self.offset = conv1x1(features, positions)
        self.scope = conv1x1(features, positions, bias=False)
        self.end_conv = conv1x1(features, outputs)
        # the name of the buffer in checkpoints: the regular grid inside an LR pixel, x before y
        steps = (torch.arange(scale) - (scale - 1) / 2) / scale
        x, y = steps.repeat(scale), steps.repeat_interleave(scale)
        grid = torch.cat((x.repeat(GROUPS), y.repeat(GROUPS)))
        self.register_buffer("init_pos", grid.reshape(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, outputs, S * H, S * W)."""
        images, features, height, width = x.shape
        # float16 has too few digits for positions in large images
        wide = x if x.dtype == torch.float64 else x.float()
        moved = self.offset(x) * torch.sigmoid(self.scope(x)) * 0.5 + self.init_pos
        moved = functional.pixel_shuffle(moved.to(wide.dtype), self.scale)
        large = moved.shape[-2:]
        moved = moved.reshape(images, 2, GROUPS, *large)
        across = (torch.arange(large[1], device=x.device) // self.scale + 0.5)[None, :]
        down = (torch.arange(large[0], device=x.device) // self.scale + 0.5)[:, None]
        places = torch.stack(
            (2 * (across + moved[:, 0]) / width - 1, 2 * (down + moved[:, 1]) / height - 1), dim=-1
        )
        sampled = functional.grid_sample(
            wide.reshape(images * GROUPS, features // GROUPS, height, width),
            places.reshape(images * GROUPS, *large, 2),
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        result: Tensor = self.end_conv(sampled.reshape(images, features, *large).to(x.dtype))
        return result
