"""Compute the test image of a package, and compare the result with the author's.

So we know that a network, its pre- and its post-processing run here as they did for the author.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.zoo.bioimage.packaged import arranged_pixels
from napari_sr.zoo.limits import BROKEN, RefusedError, first_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.zoo.bioimage.contents import Contents
    from napari_sr.zoo.bioimage.description import Description, Source
    from napari_sr.zoo.bioimage.packaged import Packaged

MOST_BYTES = 256 << 20
"""Largest size of a test tensor."""
LONGEST_HEADER = 10_000


def check_tests(network: Packaged, description: Description, contents: Contents) -> str:
    """Compare results with the test tensors of a package.

    Parameters
    ----------
    network : Packaged
        The network of the package.
    description, contents
        The package.

    Returns
    -------
    str
        A sentence with the largest difference, or that there are no test tensors.

    Raises
    ------
    RefusedError
        If the results differ, or a test tensor cannot be read.
    """
    if description.tests is None:
        return "It has no test images, so it could not be checked."
    source, wanted = (_tensor(one, contents) for one in description.tests)
    geometry = description.geometry
    try:
        pixels = arranged_pixels(source, geometry.order_in)
        expected = arranged_pixels(wanted, geometry.order_out).astype(np.float64)
        found = _result(network, description, pixels)
    except ValueError as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"cannot compute its own test image: {error}") from error
    if found.shape != expected.shape:
        raise RefusedError(
            f"has a test result of {expected.shape} (height, width, channels), got {found.shape}"
        )
    difference = np.abs(found - expected)
    wrong = description.tolerance.wrong(found, expected)
    span = f"in a range from {expected.min():.4g} to {expected.max():.4g}"
    largest = f"{float(difference.max()):.2g}"
    if wrong > description.tolerance.share:
        raise RefusedError(
            f"does not give its author's test result here: {wrong:.1%} of the values "
            f"differ, by up to {largest} {span}"
        )
    return f"Its test image gives its author's result: the largest difference is {largest} {span}."


def _result(network: Packaged, description: Description, pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the result of whole pixels, (H, W, C), as the description says."""
    processing = description.processing
    fitted = None if processing is None else processing.fitted(pixels)
    entering = pixels.astype(np.float32) if fitted is None else fitted.enter(pixels)
    image = torch.from_numpy(np.ascontiguousarray(entering.transpose(2, 0, 1)))[None]
    with torch.inference_mode():
        large = network.compute_whole(image)[0].permute(1, 2, 0).numpy()
    return large if fitted is None else fitted.leave(large)


def _tensor(source: Source, contents: Contents) -> NDArray[Any]:
    """Return an array of a .npy file, whose header was checked."""
    content = contents.read(source.name, source.sha256, MOST_BYTES)
    try:
        file = io.BytesIO(content)
        version = np.lib.format.read_magic(file)
        read: Any = getattr(np.lib.format, f"read_array_header_{version[0]}_{version[1]}")
        shape, _, dtype = read(file, max_header_size=LONGEST_HEADER)
        needed = math.prod(shape) * dtype.itemsize
        if dtype.kind not in "biuf" or needed != len(content) - file.tell():
            raise ValueError(f"{dtype} of {shape}")
        array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except BROKEN as error:
        raise RefusedError(
            f"has a test image {source.name!r} that is no array ({first_line(error)})"
        ) from error
    return array
