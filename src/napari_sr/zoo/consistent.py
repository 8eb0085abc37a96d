"""Make a network's result consistent with its source, by iterated back-projection.

Irani and Peleg, "Improving resolution by image registration", CVGIP: Graphical Models and Image
Processing 53(3), 1991, https://doi.org/10.1016/1049-9652(91)90045-L

The result x is downscaled ("shrunk") as the network's training images were. Its difference from the
source is enlarged and added to the result. This is repeated: x <- x + enlarge(source - shrink(x)).
Here, both operations are bicubic interpolation as in MATLAB's `imresize`. Detail that disappears by
shrinking is not changed.

Symbols: N images, C image channels, H x W pixels, S scale.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from napari_sr.graph.chain import IMAGE, RESULT, Step, renamed
from napari_sr.layers.resize import SHRINKING, corrected, radius_of
from napari_sr.zoo.optics import OPTICS, is_optical
from napari_sr.zoo.provenance import checkpoints_in
from napari_sr.zoo.wrapped import Wrapped

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network

TIMES = 3
"""Number of corrections. On Set14, they divide the RMS of the difference by 2 to 4, as far as
clipping allows, and raise PSNR by 0.01 dB (benchmarks/quality/back_projection.md)."""


class Consistent(Wrapped):
    """A network whose shrunk result agrees with the source.

    In a colour image, a luma network makes only luma consistent; the colours are interpolated.

    Parameters
    ----------
    network : Network
        The network; it is not copied.

    Raises
    ------
    ValueError
        If the network does not enlarge, its training images were not shrunk by interpolation, it
        removes noise of a given level, or its receptive field is unknown.
    """

    def __init__(self, network: Network) -> None:
        check(network)
        super().__init__(network, consistent=True)
        self.corrections = TIMES

    def chain(self) -> Chain:
        """Return the network's links, and one local step for each correction."""
        names = [*(f"corrected {k} times" for k in range(TIMES)), RESULT]
        radius = SHRINKING + radius_of(self.scale)
        steps = (
            Step(self._correct, (IMAGE, before), (after,), radius, scale=self.scale)
            for before, after in pairwise(names)
        )
        return (*renamed(self.network.chain(), {RESULT: names[0]}), *steps)

    def _correct(self, image: Tensor, result: Tensor) -> Tensor:
        """Correct a result, (N, C, S * H, S * W), once by its image, (N, C, H, W)."""
        return corrected(image, result, self.scale)


def check(network: Network) -> None:
    """Check that a network's result can be made consistent.

    Raises
    ------
    ValueError
        If it cannot; the message says why.
    """
    for one in checkpoints_in(network.provenance):
        name = str(one.get("model", ""))
        if one.get(OPTICS) or is_optical(name, one.get("scale")):
            raise ValueError(
                "a consistent result needs a network whose training images were shrunk by bicubic "
                f"interpolation, but those of {name} were blurred by optics"
            )
    if network.takes_noise:
        raise ValueError(
            "a consistent result needs a network that removes no noise, because the source's noise "
            f"would come back, but {network.provenance.get('model', network.title)} removes it"
        )
    if network.scale == 1:
        raise ValueError(
            "a consistent result needs a network that enlarges, but the scale of "
            f"{network.title} is 1: its result would become its source again"
        )
    if not network.exact:
        raise ValueError(
            "a consistent result needs a network whose receptive field is known, but that of "
            f"{network.title} is not"
        )
