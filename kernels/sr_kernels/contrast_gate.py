"""Gate channels by the mean and standard deviation of their planes: contrast-aware attention.

gate = sigmoid(excite(relu(squeeze(mean + deviation))))

where squeeze and excite are 1x1 convolutions of planes of one pixel: Hui et al., 2019,
https://arxiv.org/abs/1909.11856. The moments are `plane_moments`.

Bytes: those of `plane_moments`, as all else is small: at best 15 times as fast in half precision.
On small images it counts that three kernels do what eager PyTorch does in about fifteen.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels import plane_moments
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._triton import tl, triton

LEAST_VARIANCE = 1e-12
"""Below it there is no finite slope for training to follow."""


def reference(
    x: Tensor, squeeze_weight: Tensor, squeeze_bias: Tensor, excite_weight: Tensor,
    excite_bias: Tensor,
) -> Tensor:  # fmt: skip
    """Compute `contrast_gate` in plain PyTorch."""
    mean, m2 = plane_moments.reference(x)
    variance = (m2 / (x.shape[2] * x.shape[3])).clamp(min=LEAST_VARIANCE)
    contrast = (mean + variance.sqrt()).to(x.dtype)
    hidden = functional.relu(functional.conv2d(contrast, squeeze_weight, squeeze_bias))
    return torch.sigmoid(functional.conv2d(hidden, excite_weight, excite_bias))


@triton.jit
def _load_matrix(ptr, row, column, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Return a 1x1 convolution's weight in float32; what fills up is zero."""
    inside = (row < ROWS)[:, None] & (column < COLUMNS)[None, :]
    at = row[:, None] * COLUMNS + column[None, :]
    return tl.load(ptr + at, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _kernel(
    mean_ptr, m2_ptr, squeeze_weight_ptr, squeeze_bias_ptr, excite_weight_ptr, excite_bias_ptr,
    gate_ptr, pixels, LEAST: tl.constexpr, C: tl.constexpr, R: tl.constexpr, C2: tl.constexpr,
    R2: tl.constexpr,
):  # fmt: skip
    # one program: all channels of one image
    c, r = tl.arange(0, C2), tl.arange(0, R2)
    at = tl.program_id(0).to(tl.int64) * C + c
    mean = tl.load(mean_ptr + at, mask=c < C, other=0.0)
    m2 = tl.load(m2_ptr + at, mask=c < C, other=0.0)
    contrast = mean + tl.sqrt(tl.maximum(m2 / pixels, LEAST))

    # the columns that fill up the matrices are zero, whatever is in the vectors there
    hidden = tl.sum(_load_matrix(squeeze_weight_ptr, r, c, R, C) * contrast[None, :], axis=1)
    hidden += tl.load(squeeze_bias_ptr + r, mask=r < R, other=0.0).to(tl.float32)
    hidden = tl.maximum(hidden, 0.0)
    gate = tl.sum(_load_matrix(excite_weight_ptr, c, r, C, R) * hidden[None, :], axis=1)
    gate += tl.load(excite_bias_ptr + c, mask=c < C, other=0.0).to(tl.float32)
    tl.store(gate_ptr + at, tl.sigmoid(gate), mask=c < C)


def _launch(
    x: Tensor, squeeze_weight: Tensor, squeeze_bias: Tensor, excite_weight: Tensor,
    excite_bias: Tensor,
) -> Tensor:  # fmt: skip
    """Return the gates in the dtype of x."""
    mean, m2 = plane_moments.OP.launch(x)
    images, features, height, width = x.shape
    inner = squeeze_weight.shape[0]
    gate = torch.empty(mean.shape, dtype=x.dtype, device=x.device)
    weights = (squeeze_weight, squeeze_bias, excite_weight, excite_bias)
    with torch.cuda.device_of(x):
        _kernel[(images,)](
            mean, m2, *(weight.contiguous() for weight in weights), gate, height * width,
            LEAST=LEAST_VARIANCE, C=features, R=inner, C2=triton.next_power_of_2(features),
            R2=triton.next_power_of_2(inner),
        )  # fmt: skip
    return gate


_compute = register("contrast_gate", reference, _launch)


def contrast_gate(
    x: Tensor, squeeze_weight: Tensor, squeeze_bias: Tensor, excite_weight: Tensor,
    excite_bias: Tensor,
) -> Tensor:  # fmt: skip
    """Return a gate in [0, 1] for every channel of every image.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
        Whole planes, of at least one pixel. Read as channels_last; other layouts are copied.
    squeeze_weight, squeeze_bias : Tensor, (R, C, 1, 1) and (R,)
        The 1x1 convolution that narrows C features to R.
    excite_weight, excite_bias : Tensor, (C, R, 1, 1) and (C,)
        The 1x1 convolution that widens them again.

    Returns
    -------
    Tensor, (N, C, 1, 1)
        In the dtype of `x`; the kernel computes in float32 and rounds once.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or there are no pixels.
    """
    if x.ndim != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"contrast_gate needs (N, C, H, W) with pixels, got {tuple(x.shape)}")
    features, inner = x.shape[1], squeeze_weight.shape[0]
    check_shapes(
        "contrast_gate",
        squeeze_weight=(squeeze_weight, (inner, features, 1, 1)),
        squeeze_bias=(squeeze_bias, (inner,)),
        excite_weight=(excite_weight, (features, inner, 1, 1)),
        excite_bias=(excite_bias, (features,)),
    )
    result: Tensor = _compute(x, squeeze_weight, squeeze_bias, excite_weight, excite_bias)
    return result


def _example(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    features = shape[1]
    # the paper's sixteenth; of few features, one
    inner = max(features // 16, 1)
    squeeze = torch.randn(inner, features, 1, 1) / features**0.5, torch.randn(inner)
    excite = torch.randn(features, inner, 1, 1), torch.randn(features)
    x, *weights = (tensor.to(device, dtype) for tensor in (torch.randn(shape), *squeeze, *excite))
    return x, weights[0], weights[1], weights[2], weights[3]


def _bytes_moved(x: Tensor, *weights: Tensor) -> int:
    gates = x.shape[0] * x.shape[1]
    return (x.numel() + gates + sum(each.numel() for each in weights)) * x.element_size()


def _flops(x: Tensor, squeeze_weight: Tensor, *_: Tensor) -> int:
    return plane_moments.OP.flops(x) + 4 * x.shape[0] * squeeze_weight.numel()


OP = Op(contrast_gate, reference, _launch, _example, _bytes_moved, _flops)
