"""Perceptual: the difference of VGG19's features instead of pixels.

Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
https://arxiv.org/abs/1603.08155: squared differences after a rectifier, `relu2_2` of VGG16.
SRGAN: Ledig et al., CVPR 2017, https://arxiv.org/abs/1609.04802, equation (5): the same with
`relu5_4`. Section 3.2 divides its features by 12.75, so that the loss is about as large as the
squared error of pixels; recipes do this by a `weight` of 1 / 12.75^2 = 0.00615. ESRGAN: Wang et
al., ECCV Workshops 2018, https://arxiv.org/abs/1809.00219, section 3.3: `conv5_4`, which is before
the rectifier, with absolute differences as in its code (XPixelGroup/BasicSR).

Symbols: N crops, C channels, H x W pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from napari_sr.training.losses._loss import Loss, compared
from napari_sr.training.losses._vgg import VGG19, weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

DISTANCES = ("l1", "mse")


class Perceptual(Loss):
    """The mean difference of features, weighted over layers.

    Parameters
    ----------
    layers : mapping of str to float, optional
        Weight of each layer: "conv5_4" is before its rectifier (ESRGAN), "relu5_4" after (SRGAN).
        By default ESRGAN's layer.
    distance : {"l1", "mse"}
        Absolute or squared differences.
    weights : str or Path, optional
        A file of VGG19's weights as torchvision names them; by default they are downloaded once,
        575 MB.

    Raises
    ------
    ValueError
        If a layer or the distance is unknown, a layer's weight is below 0, or the file does not
        contain VGG19's weights.
    DownloadError
        If the weights cannot be downloaded.
    """

    def __init__(
        self,
        *,
        layers: Mapping[str, float] | None = None,
        distance: Literal["l1", "mse"] = "l1",
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.layers = dict({"conv5_4": 1.0} if layers is None else layers)
        if distance not in DISTANCES:
            raise ValueError(
                f"the distance must be one of {', '.join(DISTANCES)}, got {distance!r}"
            )
        if any(not weight >= 0 for weight in self.layers.values()):
            raise ValueError(f"weights of layers must be at least 0, got {self.layers}")
        self.distance = distance
        self.features = VGG19(self.layers, weights_of(None if weights is None else Path(weights)))

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Compare two images, (N, 1 or 3, H, W) in 0..1; return a scalar."""
        result, truth = compared(result, truth)
        seen = self.features(result)
        with torch.no_grad():
            wanted = self.features(truth)
        total = result.new_zeros(())
        for name, weight in self.layers.items():
            apart = seen[name] - wanted[name]
            total = (
                total + weight * (apart.abs() if self.distance == "l1" else apart.square()).mean()
            )
        return total


LOSS = Perceptual
