"""VGG19's features. Their differences are closer to human perception than pixel differences.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
ICLR 2015, https://arxiv.org/abs/1409.1556, table 1, column E, without its dense layers.
The weights are torchvision's, downloaded on first use, or those in a file.

Symbols: N images, H x W pixels, F features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.training.losses._loss import precise
from napari_sr.zoo.checkpoint import read_checkpoint
from napari_sr.zoo.download import fetch
from napari_sr.zoo.registry import Entry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

BLOCKS = ((1, 2), (2, 2), (4, 4), (8, 4), (8, 4))
"""Width of each block, as a multiple of the first block's, and its number of convolutions."""
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue in 0..1."""
WEIGHTS = Entry(
    name="vgg19",
    family="vgg19",
    architecture="vgg19",
    scale=1,
    title="VGG19",
    summary="Features for the perceptual loss.",
    file="vgg19-dcbb9e9d.pth",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
    size=574_673_361,
    licence="BSD-3-Clause (torchvision)",
    trained_on="ImageNet",
    psnr_set5=None,
    options={},
    parameters=143_667_240,
)


def _names() -> Iterator[str]:
    """Yield the layers' names: conv1_1, relu1_1, ..., pool1, conv2_1..."""
    for block, (_, count) in enumerate(BLOCKS, start=1):
        for number in range(1, count + 1):
            yield from (f"conv{block}_{number}", f"relu{block}_{number}")
        yield f"pool{block}"


NAMES = tuple(_names())
"""Names of all layers; a layer's number in torchvision's files is its index here."""


class VGG19(nn.Module):
    """The layers of VGG19 up to the last wanted one, with frozen weights.

    Parameters
    ----------
    wanted : collection of str
        Names of layers, such as "conv5_4" or, after its rectifier, "relu5_4".
    state : mapping of str to Tensor
        torchvision's "features.0.weight" and so on; other keys are ignored. The first convolution
        sets the width, 64 in the paper.

    Raises
    ------
    ValueError
        If a name is unknown, none is given, or tensors are missing or have wrong shapes.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, wanted: Collection[str], state: Mapping[str, Tensor]) -> None:
        super().__init__()
        unknown = sorted(set(wanted) - set(NAMES))
        if unknown or not wanted:
            raise ValueError(
                f"layers must be some of conv1_1, relu1_1, ..., pool5, got {unknown or 'none'}"
            )
        self.wanted = frozenset(wanted)
        depth = 1 + max(NAMES.index(name) for name in wanted)
        self.least_size = 2 ** sum(name.startswith("pool") for name in NAMES[:depth])
        first = state.get("features.0.weight")
        if first is None or first.ndim != 4:
            raise ValueError(
                "VGG19's weights must be named features.0.weight and so on, got "
                f"{sorted(state)[:3] or 'none'}"
            )
        self.features = nn.Sequential(*_layers(first.shape[0], depth))
        mine = {key: state[key] for key in self.state_dict() if key in state}
        try:
            self.load_state_dict(mine)
        except RuntimeError as error:
            words = " ".join(str(error).split())[:200]
            raise ValueError(f"these are not the weights of VGG19: {words}") from error
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD)[:, None, None], persistent=False)
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the wanted layers' features, (N, F, h, w), of (N, 1 or 3, H, W) in 0..1.

        They are computed in float32 even under autocast, because squares of their differences
        overflow in half precision.

        Raises
        ------
        ValueError
            If the images are not grey or RGB, or too small for the deepest layer.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"VGG19 needs images (N, 1 or 3, H, W), got {tuple(images.shape)}")
        if min(images.shape[-2:]) < self.least_size:
            raise ValueError(
                f"VGG19 needs images of at least {self.least_size} pixels a side for these "
                f"layers, got {tuple(images.shape[-2:])}"
            )
        found: dict[str, Tensor] = {}
        with torch.autocast(images.device.type, enabled=False):
            x = (precise(images) - self.mean) / self.spread
            for name, layer in zip(NAMES, self.features, strict=False):
                x = layer(x)
                if name in self.wanted:
                    found[name] = x
        return found


def _layers(width: int, depth: int) -> Iterator[nn.Module]:
    inputs = 3
    for name in NAMES[:depth]:
        if name.startswith("conv"):
            outputs = width * BLOCKS[int(name[4]) - 1][0]
            yield nn.Conv2d(inputs, outputs, 3, padding=1)
            inputs = outputs
        else:
            yield nn.ReLU() if name.startswith("relu") else nn.MaxPool2d(2)


def weights_of(path: Path | None) -> Mapping[str, Tensor]:
    """Read VGG19's weights from a file, or from torchvision's file, which is downloaded once.

    Raises
    ------
    DownloadError
        If they cannot be downloaded.
    ValueError
        If the file cannot be read.
    """
    return read_checkpoint(fetch(WEIGHTS) if path is None else path)
