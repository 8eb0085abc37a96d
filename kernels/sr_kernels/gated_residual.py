"""Gate channels and add a residual: the end of a block with channel attention.

y = gate * x + residual

with one gate for every image and channel: Hui et al., 2019, https://arxiv.org/abs/1909.11856

Bytes, for n values of e bytes each: eager PyTorch moves 2ne to multiply and 3ne to add; the kernel
moves 3ne. At best, it is 5/3 times as fast. Without a residual, both move 2ne, and the kernel is
not faster; it is used so that networks need no second code path.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sr_kernels._configuration import configuration
from sr_kernels._op import Op, register, tensors_of
from sr_kernels._triton import cdiv, kernel_jit, tl

BLOCK = 2048
"""Values of one program: 16 for each thread."""
WARPS = 4


def reference(x: Tensor, gate: Tensor, residual: Tensor | None = None) -> Tensor:
    """Compute `gated_residual` in plain PyTorch."""
    gated = x * gate
    return gated if residual is None else gated + residual


@kernel_jit(aligned=("elements",))
def _kernel(
    x_ptr, gate_ptr, residual_ptr, y_ptr, elements, C: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    # one program: BLOCK neighbouring values of one image, channels fastest
    blocks = tl.cdiv(elements, BLOCK)
    image = (tl.program_id(0) // blocks).to(tl.int64)
    start = (tl.program_id(0) % blocks).to(tl.int64) * BLOCK
    element = start + tl.arange(0, BLOCK)
    inside = element < elements
    at = image * elements + element

    channel = ((start % C).to(tl.int32) + tl.arange(0, BLOCK)) % C
    gate = tl.load(gate_ptr + image * C + channel).to(tl.float32)
    y = gate * tl.load(x_ptr + at, mask=inside, other=0.0).to(tl.float32)
    if residual_ptr is not None:
        y += tl.load(residual_ptr + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(y_ptr + at, y, mask=inside)


def _launch(x: Tensor, gate: Tensor, residual: Tensor | None = None) -> Tensor:
    """Return y in channels_last."""
    x = x.contiguous(memory_format=torch.channels_last)
    if residual is not None:
        residual = residual.contiguous(memory_format=torch.channels_last)
    y = torch.empty_like(x)
    elements = x[0].numel()
    options = configuration("gated_residual", x, BLOCK=BLOCK, num_warps=WARPS)
    grid = (x.shape[0] * cdiv(elements, options["BLOCK"]),)
    with torch.cuda.device_of(x):
        _kernel[grid](x, gate.contiguous(), residual, y, elements, C=x.shape[1], **options)
    return y


_compute = register("gated_residual", reference, _launch)


def gated_residual(x: Tensor, gate: Tensor, residual: Tensor | None = None) -> Tensor:
    """Scale every channel of `x` by its gate, and add `residual`.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
        Read as channels_last; other layouts are copied.
    gate : Tensor, (N, C, 1, 1)
        Usually in [0, 1], but any value is allowed.
    residual : Tensor, (N, C, H, W), optional
        In the layout of `x`.

    Returns
    -------
    Tensor, (N, C, H, W)
        In the dtype of `x`; the kernel computes in float32 and rounds once.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    fits = x.ndim == 4 and gate.shape == (*x.shape[:2], 1, 1)
    if not fits or (residual is not None and residual.shape != x.shape):
        raise ValueError(
            "gated_residual needs x and residual of one shape (N, C, H, W) and a gate "
            f"(N, C, 1, 1), got x {tuple(x.shape)}, gate {tuple(gate.shape)}, residual "
            f"{None if residual is None else tuple(residual.shape)}"
        )
    result: Tensor = _compute(x, gate, residual)
    return result


def _example(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    x, residual = torch.randn(2, *shape).to(device, dtype)
    gate = torch.rand(*shape[:2], 1, 1).to(device, dtype)
    return x, gate, residual


def _bytes_moved(*arguments: Tensor | None) -> int:
    x = arguments[0]
    moved = [*tensors_of(arguments), *tensors_of([x])]
    return sum(tensor.numel() * tensor.element_size() for tensor in moved)


def _flops(x: Tensor, gate: Tensor, residual: Tensor | None = None) -> int:
    return x.numel() * (1 if residual is None else 2)


OP = Op(gated_residual, reference, _launch, _example, _bytes_moved, _flops)
