"""Contrast-aware channel attention: a gate from mean and standard deviation of each channel.

gate = sigmoid(excite(relu(squeeze(mean + sqrt(m2 / pixels)))))

where squeeze and excite are 1x1 convolutions of planes of one pixel: Hui et al., 2019,
https://arxiv.org/abs/1909.11856. `plane_moments` computes the moments (mean, m2) of a plane or a
tile; `merged` merges the moments of tiles.

Bytes: a few kilobytes, so launches take most of the time. Eager PyTorch launches about ten kernels,
this op only one: at best it is 10 times as fast.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._channel_gate import LEAST_VARIANCE, gate_of
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._triton import kernel_jit, next_power_of_2, tl


def reference(
    mean: Tensor, m2: Tensor, pixels: int, squeeze_weight: Tensor, squeeze_bias: Tensor,
    excite_weight: Tensor, excite_bias: Tensor,
) -> Tensor:  # fmt: skip
    """Compute `contrast_gate` in plain PyTorch."""
    variance = (m2 / pixels).clamp(min=LEAST_VARIANCE)
    contrast = (mean + variance.sqrt()).to(squeeze_weight.dtype)
    hidden = functional.relu(functional.conv2d(contrast, squeeze_weight, squeeze_bias))
    return torch.sigmoid(functional.conv2d(hidden, excite_weight, excite_bias))


@kernel_jit
def _kernel(
    mean_ptr, m2_ptr, squeeze_weight_ptr, squeeze_bias_ptr, excite_weight_ptr, excite_bias_ptr,
    gate_ptr, pixels, LEAST: tl.constexpr, C: tl.constexpr, R: tl.constexpr, C2: tl.constexpr,
    R2: tl.constexpr,
):  # fmt: skip
    # one program: all channels of one image
    c = tl.arange(0, C2)
    at = tl.program_id(0).to(tl.int64) * C + c
    mean = tl.load(mean_ptr + at, mask=c < C, other=0.0).to(tl.float32)
    m2 = tl.load(m2_ptr + at, mask=c < C, other=0.0).to(tl.float32)
    gate = gate_of(
        mean, m2, pixels, squeeze_weight_ptr, squeeze_bias_ptr, excite_weight_ptr,
        excite_bias_ptr, LEAST, C, R, C2, R2,
    )  # fmt: skip
    tl.store(gate_ptr + at, gate, mask=c < C)


def _launch(
    mean: Tensor, m2: Tensor, pixels: int, squeeze_weight: Tensor, squeeze_bias: Tensor,
    excite_weight: Tensor, excite_bias: Tensor,
) -> Tensor:  # fmt: skip
    """Return the gates."""
    tensors = (mean, m2, squeeze_weight, squeeze_bias, excite_weight, excite_bias)
    features, inner = mean.shape[1], squeeze_weight.shape[0]
    gate = torch.empty(mean.shape, dtype=squeeze_weight.dtype, device=mean.device)
    with torch.cuda.device_of(mean):
        _kernel[(mean.shape[0],)](
            *(tensor.contiguous() for tensor in tensors), gate, pixels, LEAST=LEAST_VARIANCE,
            C=features, R=inner, C2=next_power_of_2(features),
            R2=next_power_of_2(inner),
        )  # fmt: skip
    return gate


_compute = register("contrast_gate", reference, _launch)


def contrast_gate(
    mean: Tensor, m2: Tensor, pixels: int, squeeze_weight: Tensor, squeeze_bias: Tensor,
    excite_weight: Tensor, excite_bias: Tensor,
) -> Tensor:  # fmt: skip
    """Return a gate in [0, 1] for every channel of every image.

    Parameters
    ----------
    mean, m2 : Tensor, (N, C, 1, 1)
        Mean and sum of squared deviations of whole planes, in float32 or float64; see
        `plane_moments`.
    pixels : int
        Number of pixels of a plane, at least one.
    squeeze_weight, squeeze_bias : Tensor, (R, C, 1, 1) and (R,)
        The 1x1 convolution that narrows C features to R.
    excite_weight, excite_bias : Tensor, (C, R, 1, 1) and (C,)
        The 1x1 convolution that widens R features to C.

    Returns
    -------
    Tensor, (N, C, 1, 1)
        In the dtype of the weights; the kernel computes in float32 and rounds once.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or there are no pixels.
    """
    if mean.ndim != 4 or mean.shape[2:] != (1, 1) or pixels < 1:
        raise ValueError(
            "contrast_gate needs a mean (N, C, 1, 1) of at least one pixel, got "
            f"{tuple(mean.shape)} of {pixels}"
        )
    features, inner = mean.shape[1], squeeze_weight.shape[0]
    check_shapes(
        "contrast_gate",
        m2=(m2, tuple(mean.shape)),
        squeeze_weight=(squeeze_weight, (inner, features, 1, 1)),
        squeeze_bias=(squeeze_bias, (inner,)),
        excite_weight=(excite_weight, (features, inner, 1, 1)),
        excite_bias=(excite_bias, (features,)),
    )
    weights = (squeeze_weight, squeeze_bias, excite_weight, excite_bias)
    result: Tensor = _compute(mean, m2, pixels, *weights)
    return result


def _example(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, int, Tensor, Tensor, Tensor, Tensor]:
    images, features, height, width = shape
    # a sixteenth of the channels, as in the paper, but at least one
    inner = max(features // 16, 1)
    # exported programs contain this number; as a multiple of 4096, it serves images of similar size
    pixels = 4096 * -(-height * width // 4096)
    moments = torch.randn(images, features, 1, 1), pixels * torch.rand(images, features, 1, 1)
    mean, m2 = (tensor.to(device) for tensor in moments)
    weights = (
        torch.randn(inner, features, 1, 1) / features**0.5,
        torch.randn(inner),
        torch.randn(features, inner, 1, 1),
        torch.randn(features),
    )
    squeeze_weight, squeeze_bias, *excite = (tensor.to(device, dtype) for tensor in weights)
    return mean, m2, pixels, squeeze_weight, squeeze_bias, excite[0], excite[1]


def _bytes_moved(mean: Tensor, m2: Tensor, pixels: int, *weights: Tensor) -> int:
    size = weights[0].element_size()
    # there are as many gates as means
    return mean.numel() * (2 * mean.element_size() + size) + size * sum(map(Tensor.numel, weights))


def _flops(mean: Tensor, m2: Tensor, pixels: int, squeeze_weight: Tensor, *_: Tensor) -> int:
    # two matrices of equal size, and for each mean a division, a root and two sums
    return mean.shape[0] * 4 * squeeze_weight.numel() + 4 * mean.numel()


OP = Op(contrast_gate, reference, _launch, _example, _bytes_moved, _flops)
