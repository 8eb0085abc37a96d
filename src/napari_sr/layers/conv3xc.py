"""The re-parameterised 3x3 convolution of SPAN and its successors, folded into a plain one.

Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR Workshops
2024, https://arxiv.org/abs/2311.12770, section 3.4

Symbols: I input and O output channels, M and P channels in between.
In training, a convolution consists of a 1x1, a 3x3 and a 1x1 convolution in series, and a 1x1
convolution beside them. Their sum is linear, so one 3x3 convolution gives the same result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from napari_sr.layers.blocks import shape_of

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.network import StateDict

_LAYERS = ("sk", "conv.0", "conv.1", "conv.2")
"""The convolution beside, and those in series."""
_FOLDED = "eval_conv"
"""The folded convolution, as the authors' code stores it beside the others, or alone. In files of
training, it may lag behind the others, so these are folded again."""
_KINDS = ("weight", "bias")
_NAME = re.compile(r"(.*)\.(?:sk|conv\.0|eval_conv)\.weight$")


def folded(state: StateDict) -> dict[str, Tensor]:
    """Return a state with a plain convolution in place of every re-parameterised one.

    The convolution `NAME` has the tensors `NAME.weight`, (O, I, 3, 3), and `NAME.bias`, (O,). Other
    tensors stay unchanged, and so do convolutions whose shapes do not fit.
    """
    result = dict(state)
    for name in {match[1] for key in state if (match := _NAME.match(key))}:
        found = _fold(state, name)
        if found is None:
            continue
        for layer in (*_LAYERS, _FOLDED):
            for kind in ("weight", "bias"):
                result.pop(f"{name}.{layer}.{kind}", None)
        result[f"{name}.weight"], result[f"{name}.bias"] = found
    return result


def _fold(state: StateDict, name: str) -> tuple[Tensor, Tensor] | None:
    """Return weight and bias of one convolution; None if its shapes do not fit."""
    if not any(f"{name}.{layer}.weight" in state for layer in _LAYERS):
        weight, bias = (state.get(f"{name}.{_FOLDED}.{kind}") for kind in _KINDS)
        return None if weight is None or bias is None else (weight, bias)
    shapes = [shape_of(state, f"{name}.{layer}.{kind}") for layer in _LAYERS for kind in _KINDS]
    if not _fits(shapes):
        return None
    # in float64, so that the result is rounded once
    values = [state[f"{name}.{layer}.{kind}"].double() for layer in _LAYERS for kind in _KINDS]
    beside, beside_bias, first, first_bias, middle, middle_bias, last, last_bias = values
    first, last = first[:, :, 0, 0], last[:, :, 0, 0]
    weight = torch.einsum("op,pmhw,mi->oihw", last, middle, first)
    weight[:, :, 1, 1] += beside[:, :, 0, 0]
    # the biases come before the padding, so they are the same at the border
    inner = torch.einsum("pmhw,m->p", middle, first_bias) + middle_bias
    bias = last @ inner + last_bias + beside_bias
    kind = state[f"{name}.sk.weight"].dtype
    return weight.to(kind), bias.to(kind)


def _fits(shapes: list[tuple[int, ...]]) -> bool:
    """Return whether the shapes of weights and biases are those of the four convolutions."""
    beside, _, first, _, middle, _, last, _ = shapes
    if any(len(shape) != 4 or 0 in shape for shape in (beside, first, middle, last)):
        return False
    outputs, inputs = beside[:2]
    return shapes == [
        (outputs, inputs, 1, 1), (outputs,), (first[0], inputs, 1, 1), (first[0],),
        (middle[0], first[0], 3, 3), (middle[0],), (outputs, middle[0], 1, 1), (outputs,),
    ]  # fmt: skip
