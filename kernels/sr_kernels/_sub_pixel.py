"""A dense 3x3 convolution with a pixel shuffle: by one kernel, or by cuDNN and another kernel.

`conv3x3` shuffles at its end, so nothing is written in between. After cuDNN, `pixel_shuffle_add`
adds the bias, shuffles and activates, and for this reads and writes everything again.

Forecast in microseconds for an H100, half precision, 320 x 180 pixels, from
`benchmarks/gpu/kernel_model.py`; nothing here was measured:

    channels in and out         conv3x3   cuDNN, then the op
    32 to 9, luma x3                3.7   4.5
    64 to 48, colour x4             7.2   10.0
    64 to 256, features x2         22.8   42.9
    256 to 1024, features x2      343.6   420.4
    64 to 256, learned slopes      43.5   42.9; after conv3x3, PyTorch activates

The forecast ignores latency. cuDNN hides latency in long sums; `conv3x3`, with one stage, does not.
With 64 channels, `conv3x3` may take 1.9 times its forecast before cuDNN is as fast; with 256
channels, 1.2 times. So cuDNN is used for more than MOST_INPUTS input channels. It is also used for
activations with learned slopes, which `conv3x3` does not have. Only this file makes the choice.
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
    """Convolve 3x3, multiply by a factor, turn channels into pixels, and activate.

    Parameters
    ----------
    x : Tensor, (N, I, H, W)
        Preferably channels_last.
    weight : Tensor, (C * r * r, I, 3, 3)
        r is `shuffle`.
    bias : Tensor or None, (C * r * r,)
        Bias of the convolution.
    shuffle : int
        Factor r of the pixel shuffle.
    activation, slope, slopes
        As in `pixel_shuffle_add`.
    factor : float
        Factor by which the convolution, with its bias, is multiplied.

    Returns
    -------
    Tensor, (N, C, r * H, r * W)
        As for `conv3x3`.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the activation is unknown.
    """
    if weight.shape[1] <= MOST_INPUTS and slopes is None:
        return conv3x3(x, weight, bias, None, activation, slope, factor, shuffle)
    # on a GPU, PyTorch would add the bias in a separate pass, so the kernel adds it
    late = keeps_operator(x, weight, bias, slopes)
    y = functional.conv2d(x, weight, None if late else bias, padding=1)
    return pixel_shuffle_add(
        y, shuffle, None, bias if late else None, activation, slope, slopes, factor
    )
