"""Pictures of results side by side: the same detail of each, enlarged without smoothing.

Symbols: H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import uniform_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MARGIN, TEXT, LINE = 8, 16, 20
"""Pixels between panels, height of letters, height of a line."""
INK, PAPER, FRAME = (20, 20, 20), (255, 255, 255), (214, 39, 40)


@dataclass(frozen=True)
class Panel:
    """One image of the picture."""

    label: str
    """The lines under the image."""
    image: NDArray[Any]
    """(H, W) or (H, W, 3) in 0..1."""


def telling_place(first: NDArray[Any], second: NDArray[Any], size: int) -> tuple[int, int]:
    """Return top and left of the square of side `size` in which two images differ most.

    Parameters
    ----------
    first, second : array, (H, W) or (H, W, 3)
        At least `size` pixels along each side.
    """
    error = np.atleast_3d(np.square(first - second)).mean(axis=2)
    if min(error.shape) < size:
        raise ValueError(f"a detail of {size} px does not fit into {error.shape}")
    around = uniform_filter(error, size, mode="constant")
    half = size // 2
    inside = around[
        half : error.shape[0] - size + half + 1, half : error.shape[1] - size + half + 1
    ]
    top, left = np.unravel_index(np.argmax(inside), inside.shape)
    return int(top), int(left)


def side_by_side(
    whole: Panel, panels: Sequence[Panel], place: tuple[int, int], *, size: int = 48, zoom: int = 4
) -> Image.Image:
    """Draw the whole image with a frame around the detail, and the detail of every panel.

    Parameters
    ----------
    whole : Panel
        The image on the left, scaled to the height of the details.
    panels : sequence of Panel
        Images of the size of `whole`.
    place : (int, int)
        Top and left of the detail.
    size : int
        Side of the detail in pixels.
    zoom : int
        Enlargement of the detail; each pixel becomes a square.

    Returns
    -------
    PIL.Image.Image, RGB
    """
    top, left = place
    side = size * zoom
    view = _drawn(whole.image)
    factor = side / view.height
    ImageDraw.Draw(view).rectangle(
        (left, top, left + size, top + size), outline=FRAME, width=max(2, round(2 / factor))
    )
    shown = [(whole.label, view.resize((round(view.width * factor), side), Image.Resampling.BOX))]
    for panel in panels:
        detail = _drawn(panel.image[top : top + size, left : left + size])
        shown.append((panel.label, detail.resize((side, side), Image.Resampling.NEAREST)))
    lines = max(label.count("\n") + 1 for label, _ in shown)
    width = MARGIN + sum(image.width + MARGIN for _, image in shown)
    sheet = Image.new("RGB", (width, side + 3 * MARGIN + lines * LINE), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
    x = MARGIN
    for label, image in shown:
        sheet.paste(image, (x, MARGIN))
        draw.multiline_text((x, side + 2 * MARGIN), label, INK, font, spacing=LINE - TEXT)
        x += image.width + MARGIN
    return sheet


def _drawn(image: NDArray[Any]) -> Image.Image:
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(pixels).convert("RGB")
