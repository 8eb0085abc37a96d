"""Luma and chroma as MATLAB's rgb2ycbcr has them (ITU-R BT.601), as numbers that need no torch.

Of RGB in 0..1: luma in 16..235 of 255, chroma in 16..240.
"""

from __future__ import annotations

TO_YCBCR = (
    (65.481, 128.553, 24.966),
    (-37.797, -74.203, 112.0),
    (112.0, -93.786, -18.214),
)
"""Rows: what red, green and blue add to luma and to both chromas, of 255."""
OFFSET = (16.0, 128.0, 128.0)
"""Of black, of 255."""
LUMA_OF_BLACK, LUMA_OF_WHITE = 16 / 255, 235 / 255
