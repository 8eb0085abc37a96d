"""Pictures for `real_data.py`: the same detail, enlarged by each method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from real_data_methods import ENDS, deconvolved
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation.picture import Panel, side_by_side, telling_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from PIL import Image
    from real_data_methods import Method

DETAIL, ZOOM = 80, 2
"""Side of the detail in pixels of the result, and its further enlargement."""
COARSE = 8.0
"""Standard deviation of a blur, in pixels of the result; what it removes counts as detail."""


def draw(image: NDArray[np.float64], methods: Mapping[str, Method]) -> Image.Image:
    """Draw an image, and a detail of it enlarged 2 x by each method.

    The detail is where the source has most edges and spots.
    """
    results = {name: method(image) for name, method in methods.items()}
    results["deconvolution"] = deconvolved(results["bicubic"], 2)
    low, high = np.percentile(image, ENDS)

    def shown(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((pixels - low) / (high - low)).clip(0, 1)

    source = shown(np.kron(image, np.ones((2, 2))))
    smooth = shown(results["bicubic"])
    place = telling_place(smooth, gaussian_filter(smooth, COARSE), DETAIL)
    panels = [Panel("source", source)]
    panels += [Panel(name, shown(result)) for name, result in results.items()]
    return side_by_side(Panel("source, whole", source), panels, place, size=DETAIL, zoom=ZOOM)
