"""Interpolation, the baseline for networks.

Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
Acoustics, Speech and Signal Processing 29(6), 1981, https://doi.org/10.1109/TASSP.1981.1163711

Nothing is learned, so there are no checkpoints. The kernels are in `layers/resize.py`.

Symbols: N images, C image channels, H x W pixels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import interpolate

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Architecture, Network, Variant
from napari_sr.layers.resize import METHODS, imresize, radius_of

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.network import Options, StateDict

NEAREST, PYTORCH = "nearest", "bicubic-torch"
KNOWN = (NEAREST, *METHODS, PYTORCH)


class Interpolation(Network):
    """Enlargement by a formula, with a choice of methods.

    Parameters
    ----------
    scale : int
        Enlargement.
    channels : int
        Any number; each channel is enlarged independently.
    method : str
        "nearest", which repeats pixels; "bilinear", "bicubic" (MATLAB's, a = -0.5) or "lanczos"
        (three lobes), all with a mirrored border; or "bicubic-torch", PyTorch's (a = -0.75).
    """

    pads_with_zeros = False

    def __init__(self, *, scale: int, channels: int = 3, method: str = "bicubic") -> None:
        super().__init__(scale=scale, channels=channels)
        if method not in KNOWN:
            raise ValueError(f"method must be one of {', '.join(KNOWN)}, got method={method!r}")
        self.method = method

    def chain(self) -> Chain:
        """Return one local step."""
        same = self.method == NEAREST
        like = "bicubic" if self.method == PYTORCH else self.method
        radius = 0 if same else radius_of(self.scale, method=like)
        return (Step(self._compute, (IMAGE,), (RESULT,), radius, scale=self.scale),)

    def _compute(self, image: Tensor) -> Tensor:
        if self.method == NEAREST:
            return image.repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2)
        if self.method == PYTORCH:
            return interpolate(image, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return imresize(image, self.scale, method=self.method)


def options_of(state: StateDict) -> Options | None:
    """Return None: no checkpoint is an interpolation."""
    return None


ARCHITECTURE = Architecture(
    network=Interpolation,
    title="Interpolation",
    summary="A formula, not a network; for comparison with networks.",
    paper="https://doi.org/10.1109/TASSP.1981.1163711",
    year=1981,
    forms=tuple(Variant(method, (2, 3, 4, 8), {"method": method}) for method in KNOWN),
    options_of=options_of,
    example={"scale": 2, "channels": 1, "method": "lanczos"},
)
