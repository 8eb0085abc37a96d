"""Tell whether the noise of an image was smoothed, so that neighbouring pixels share part of it.

Demosaicing, compression, denoising and enlargement do that. Estimates from the finest frequencies
then find too little noise. The smoothest blocks of an image contain noise and hardly any detail. If
their variances are nearly equal, but neighbouring pixels correlate, the noise was smoothed. White
noise does not correlate; the variances of blocks with fine detail differ more.

Symbols: H x W pixels of a window, N blocks, P pixels along a side of a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sr.engine.image.noise_floor import BLOCK, FEW, OF_NOISE, PLANE, SHARES, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SHARE, LEAST = 0.1, 16
"""Share of the smoothest blocks whose pixels are compared, and the least number of them."""
FEWEST = 64
"""Least number of blocks that are not constant; fewer show nothing."""
ALIKE = 0.25
"""Noise was smoothed if pixels below and beside each other correlate by more than this."""
EVEN = 1.6
"""Largest ratio of two variances of smooth blocks, relative to white noise. Measured with added
noise on 9 photographs, 10 synthetic fluorescence images and 6 textures (128 to 256 px): noise that
was blurred by 0.7 px, enlarged, averaged or demosaiced is recognised in 15 of 19, and in 2 of the
textures; white noise is mistaken for it in none of 275 images, and clean images are in none."""


def is_smoothed(windows: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether the noise of an image was smoothed.

    False if there is too little noise to tell, if detail hides it, or if most blocks are constant.
    Noise that was blurred by less than about 0.6 pixels is not recognised. Even texture without any
    smooth place may count as smoothed noise.

    Parameters
    ----------
    windows : sequence of (H, W)
        Parts of the image with finite values, at least 8 pixels along each side.
    """
    blocks = sum(window.size for window in windows) / BLOCK**2
    step = BLOCK if blocks >= FEW else BLOCK // 2
    pixels = np.concatenate([cut(window, step)[0] for window in windows])
    pixels = pixels[np.ptp(pixels, axis=1) > 0]
    if len(pixels) < FEWEST:
        return False
    rest = pixels - (pixels @ PLANE) @ PLANE.T
    variance = (rest**2).mean(axis=1)
    least, next_ = (np.quantile(variance, SHARES) / OF_NOISE["whole"])[:2]
    if not 0 < next_ <= EVEN * least:
        return False
    chosen = np.argsort(variance)[: max(int(SHARE * len(variance)), LEAST)]
    smooth = (rest[chosen] / np.sqrt(variance[chosen, None])).reshape(-1, BLOCK, BLOCK)
    below = float((smooth[:, 1:] * smooth[:, :-1]).mean())
    beside = float((smooth[:, :, 1:] * smooth[:, :, :-1]).mean())
    return min(below, beside) > ALIKE
