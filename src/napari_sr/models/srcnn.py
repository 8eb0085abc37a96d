"""SRCNN: the first convolutional network for super-resolution.

Dong et al., "Image Super-Resolution Using Deep Convolutional Networks", TPAMI 2016
(first at ECCV 2014), https://arxiv.org/abs/1501.00092

Symbols: N images, C image channels, H x W pixels, S scale.
The paper enlarges an image bicubically before the network; here the enlargement is part of the
network, which thus maps LR to HR images like all other networks. The authors' code repeats the
border's pixels before every convolution; most ports to PyTorch pad with zeros, which is an option.
The paper's network takes luma; checkpoints of three channels take RGB.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import rename, shape_of, width_of
from napari_sr.layers.resize import imresize, radius_of


class SRCNN(Network):
    """Bicubic enlargement, then patch extraction, non-linear mapping and reconstruction.

    Parameters
    ----------
    scale : int
        Enlargement (not stored in checkpoints); 1 for images that are already enlarged.
    channels : int
        1 for luma, 3 for RGB.
    features, mapped : int
        Width after the first and the second convolution: the paper's n1 and n2.
    kernels : (int, int, int)
        Odd sizes of the three convolutions: the paper has 9-1-5, 9-3-5 and 9-5-5.
    replicate : bool
        Whether to repeat the border's pixels around the image, as in the authors' code, instead of
        padding with zeros.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    full_range = False  # luma

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 1,
        features: int = 64,
        mapped: int = 32,
        kernels: tuple[int, int, int] = (9, 5, 5),
        replicate: bool = True,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if len(kernels) != 3 or any(size % 2 == 0 for size in kernels):
            raise ValueError(f"SRCNN needs three odd kernel sizes, got {kernels}")
        self.kernels = kernels
        self.pads_with_zeros = not replicate
        mode: Literal["replicate", "zeros"] = "replicate" if replicate else "zeros"
        widths = ((channels, features), (features, mapped), (mapped, channels))
        self.extract, self.map, self.rebuild = (
            nn.Conv2d(*width, size, padding=size // 2, padding_mode=mode)
            for width, size in zip(widths, kernels, strict=True)
        )

    def chain(self) -> Chain:
        """Return one local step: the network is purely convolutional."""
        beyond = sum(size // 2 for size in self.kernels)
        radius = radius_of(self.scale, beyond)
        return (Step(self._compute, (IMAGE,), (RESULT,), radius, scale=self.scale),)

    def _compute(self, image: Tensor) -> Tensor:
        large = imresize(image * self.input_range, self.scale)
        x = torch.relu(self.map(torch.relu(self.extract(large))))
        result: Tensor = self.rebuild(x)
        return result / self.input_range


# three public layouts: yjn870 and many others, Lornatang, and Nhat-Thanh, who does not pad
_LAYOUTS = {
    "conv1.weight": ("conv1", "conv2", "conv3"),
    "features.0.weight": (r"features\.0", r"map\.0", "reconstruction"),
    "patch_extraction.weight": ("patch_extraction", "nonlinear_map", "recon"),
}
_PADDED_WITH_ZEROS = ("conv1.weight", "features.0.weight")
_MATLAB = ("weights_conv1", "weights_conv2", "weights_conv3")


def adapt(state: StateDict) -> StateDict:
    """Rename three public layouts of keys, and the authors' arrays, to this network's keys."""
    if set(_MATLAB) <= state.keys():
        return _from_matlab(state)
    for known, names in _LAYOUTS.items():
        if known in state:
            ours = zip(names, ("extract", "map", "rebuild"), strict=True)
            return rename(state, [(rf"^{theirs}\.", f"{name}.") for theirs, name in ours])
    return state


def _from_matlab(state: StateDict) -> StateDict:
    """Convert the authors' arrays, (inputs, k * k, outputs) with columns first, to convolutions."""
    arrays = [state[key] for key in _MATLAB]
    if [array.ndim for array in arrays] != [2, 3, 2]:
        return state
    renamed: dict[str, Tensor] = {}
    shaped = (arrays[0][None], arrays[1], arrays[2][..., None])
    for index, (name, array) in enumerate(zip(("extract", "map", "rebuild"), shaped, strict=True)):
        inputs, area, outputs = array.shape
        side = math.isqrt(area)
        bias = state.get(f"biases_conv{index + 1}")
        if side * side != area or bias is None:
            return state
        weight = array.permute(2, 0, 1).reshape(outputs, inputs, side, side)
        renamed[f"{name}.weight"] = weight.transpose(2, 3).contiguous()
        renamed[f"{name}.bias"] = bias.flatten()
    return renamed


def options_of(state: StateDict) -> Options | None:
    """Infer SRCNN's constructor arguments from a checkpoint; None if it is not an SRCNN.

    The scale cannot be inferred from it.
    """
    features, channels = width_of(state, "extract.weight")
    mapped, _ = width_of(state, "map.weight")
    outputs, _ = width_of(state, "rebuild.weight")
    if not (features and mapped and outputs == channels):
        return None
    names = ("extract", "map", "rebuild")
    sizes = [shape_of(state, f"{name}.weight")[2:] for name in names]
    kernels = tuple(height for height, width in sizes if height == width and height % 2)
    if len(kernels) != len(names):
        return None
    options = {"channels": channels, "features": features, "mapped": mapped, "kernels": kernels}
    # the layout of keys shows who trained the network, and so which padding was used
    zeros = any(key in state for key in _PADDED_WITH_ZEROS)
    return {**options, "replicate": False} if zeros else options


ARCHITECTURE = Architecture(
    network=SRCNN,
    title="SRCNN",
    summary="The first network of its kind; small; luma.",
    paper="https://arxiv.org/abs/1501.00092",
    year=2014,
    forms=tuple(
        Variant(f"SRCNN 9-{middle}-5", options={"kernels": (9, middle, 5)}) for middle in (1, 3, 5)
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 1, "features": 6, "mapped": 4, "kernels": (9, 3, 5)},
)
