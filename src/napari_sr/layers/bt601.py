"""The numbers of MATLAB's rgb2ycbcr (ITU-R BT.601), without torch.

RGB in 0..1 gives luma in 16..235 of 255 and chroma in 16..240.
"""

from __future__ import annotations

TO_YCBCR = (
    (65.481, 128.553, 24.966),
    (-37.797, -74.203, 112.0),
    (112.0, -93.786, -18.214),
)
"""Rows for luma and both chromas: weights of red, green and blue, times 255."""
OFFSET = (16.0, 128.0, 128.0)
"""Luma and chromas of black, times 255."""
LUMA_OF_BLACK, LUMA_OF_WHITE = 16 / 255, 235 / 255
