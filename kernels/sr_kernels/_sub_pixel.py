"""A dense 3x3 and the pixel shuffle of its result: by one kernel, or by cuDNN and one more.

`conv3x3` shuffles in its epilogue, so that nothing lies in memory in between. cuDNN convolves, and
leaves bias, shuffle and activation to `pixel_shuffle_add`, which reads and writes all once more.

Forecast in microseconds for an H100, half precision, 320 x 180 pixels, by the model of
`benchmarks/gpu/kernel_model.py`; nothing here was measured:

    channels in and out         conv3x3   cuDNN, then the op
    32 to 9, luma x3                3.7   4.5
    64 to 48, colour x4             7.2   10.0
    64 to 256, features x2         22.8   42.9
    256 to 1024, features x2      343.6   420.4
    64 to 256, learnt slopes       43.5   42.9; after conv3x3 PyTorch activates

The model leaves latency out, which cuDNN hides in a long sum; `conv3x3`, of one stage, does not.
From 64 channels it may take 1.9 times its forecast before cuDNN is as fast; from 256, 1.2 times. So
sums over more than MOST_INPUTS channels go to cuDNN, and so do learnt slopes, which `conv3x3` does
not know. This is the only place that chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from sr_kernels._op import keeps_operator
from sr_kernels.conv3x3 import MOST_INPUTS, conv3x3
from sr_kernels.pixel_shuffle_add import pixel_shuffle_add

if TYPE_CHECKING:
    from torch import Tensor


def sub_pixel(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    shuffle: int,
    activation: str = "none",
    slope: float = 0.0,
    slopes: Tensor | None = None,
    factor: float = 1.0,
) -> Tensor:
    """Convolve 3x3, multiply, turn channels into pixels, activate.

    Parameters
    ----------
    x : Tensor, (N, I, H, W)
        Best channels_last.
    weight : Tensor, (C * r * r, I, 3, 3)
        For r see `shuffle`.
    bias : Tensor or None, (C * r * r,)
        Added to what the weight gives.
    shuffle : int
        r: how many times larger the result is than x.
    activation, slope, slopes
        As in `pixel_shuffle_add`.
    factor : float
        What the convolution with its bias is multiplied by.

    Returns
    -------
    Tensor, (N, C, r * H, r * W)
        As of `conv3x3`.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or there is no such activation.
    """
    if weight.shape[1] <= MOST_INPUTS and slopes is None:
        return conv3x3(x, weight, bias, None, activation, slope, factor, shuffle)
    # PyTorch on a GPU adds a bias in a pass of its own, which the kernel spares
    late = keeps_operator(x, weight, bias, slopes)
    y = functional.conv2d(x, weight, None if late else bias, padding=1)
    return pixel_shuffle_add(
        y, shuffle, None, bias if late else None, activation, slope, slopes, factor
    )
