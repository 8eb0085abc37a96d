"""A dense 3x3 and the pixel shuffle of its result: by one kernel, or by cuDNN and one more.

`conv3x3` shuffles in its epilogue, so that nothing lies in memory in between; but a program of it
forms at most MOST_OUTPUTS outputs, and reads all nine taps again for the next ones. cuDNN forms
more at once, and leaves bias, shuffle and activation to `pixel_shuffle_add`.

Forecast for an H100 (3.0 TB/s of memory, 5.6 TB/s of L2, half precision), per pixel; nothing here
was measured. Both read all nine taps through L2, cuDNN for tiles of 128 pixels and all outputs; the
op then reads and writes these once:

    64 to 48, a colour image x4   conv3x3 1.7 KB of L2: 0.31 ns   cuDNN the same, op 0.2 KB: 0.37 ns
    64 to 256, features x2        conv3x3 6.9 KB of L2: 1.23 ns   cuDNN 3.5 KB, op 1.0 KB: 0.96 ns

So narrow results go to `conv3x3`, wide ones to cuDNN. This is the only place that chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from sr_kernels._op import keeps_operator
from sr_kernels.conv3x3 import MOST_OUTPUTS, conv3x3
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
    if weight.shape[0] <= MOST_OUTPUTS:
        last = activation if slopes is None else "none"
        y = conv3x3(x, weight, bias, None, last, slope, factor, shuffle)
        return y if slopes is None else functional.prelu(y, slopes)
    # PyTorch on a GPU adds a bias in a pass of its own, which the kernel spares
    late = keeps_operator(x, weight, bias, slopes)
    y = functional.conv2d(x, weight, None if late else bias, padding=1)
    return pixel_shuffle_add(
        y, shuffle, None, bias if late else None, activation, slope, slopes, factor
    )
