"""Fields of faint spots whose positions are known, for `false_spots.py`.

Made fields: spots of Gaussian shape at random positions, on a dark background or on haze. Real
fields: parts of images that spotiflow 0.6.5 ships. Their known positions are the spots that stand
out clearly in the image before noise is added. Fainter ones are doubtful: they count neither as
spots nor as false.

Symbols: N spots, H x W pixels of the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter, gaussian_laplace, maximum_filter, minimum_filter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIDE, SCALE = 256, 2
"""Side of a source, and pixels of the truth per pixel of the source."""
SPOTS, SIGMA = 120, 2.0
"""Number of made spots, and their standard deviation in pixels of the truth."""
FAINTEST = 0.2
"""Height of the faintest made spot; the brightest has 1."""
APART = 16.0
"""Least distance of two made spots, in pixels of the truth."""
HAZE, HAZE_SIGMA = 0.5, 30.0
"""Brightness of the haze, and the size of its clouds in pixels of the truth."""
PHOTONS = (10, 30, 100)
"""Photons in a white pixel of the source."""
BACKGROUND, READ_NOISE = 0.1, 1.5
"""Light in the dark, as a share of white; read noise in photons per pixel of the source."""
ENDS = (1.0, 99.9)
"""Percentiles of a real image that are black and white."""
REAL = {"HybISS": "img_hybiss_2d.tif", "TERRA": "img_terra_2d.tif",
        "telomeres": "timelapse_telomeres_2d.tif"}  # fmt: skip
FRAMES = (0, 60, 120, 180)
"""Used frames of the time series."""
CLEAR, DOUBTFUL, AROUND = (6.0, 0.05), (2.5, 0.02), 12.0
"""Least heights of clear and of doubtful real spots: relative to the mean absolute value of the
filtered image around them, and as a share of white. Then the standard deviation of that mean's
window, in pixels of the truth."""
MARGIN = 12
"""Pixels of the truth at each side in which no spot counts."""


class Field(NamedTuple):
    """A noisy image of spots."""

    name: str
    sort: str
    """What fields that are averaged have in common."""
    photons: int
    source: NDArray[np.float32]
    """(H, W)."""
    truth: NDArray[np.float64]
    """The image without noise, (2 * H, 2 * W); black is 0, white 1."""
    spots: NDArray[np.float64]
    """Row and column of each spot in the truth, (N, 2)."""
    doubtful: NDArray[np.float64]
    """The same for spots that do not count."""


def fields(packages: Path | None, count: int) -> Iterator[Field]:
    """Yield `count` made fields for each level and kind; real ones if packages are given."""
    none = np.empty((0, 2))
    for haze in (False, True):
        for number in range(count):
            truth, spots = made(number, haze=haze)
            sort = "spots on haze" if haze else "spots on black"
            for photons in PHOTONS:
                source = noisy(truth, photons, number)
                yield Field(f"{sort} {number}", sort, photons, source, truth, spots, none)
    if packages is None:
        return
    for name, file in REAL.items():
        for number, truth in enumerate(_real(packages, file)):
            heights = gaussian_laplace(truth, SIGMA) * -(SIGMA**2)
            found, height = maxima(heights, 5)
            around = gaussian_filter(np.abs(heights), AROUND)[tuple(found.astype(int).T)]
            clear, seen = (
                (height > share * around) & (height > least) for share, least in (CLEAR, DOUBTFUL)
            )
            for photons in PHOTONS:
                source = noisy(truth, photons, number)
                yield Field(
                    f"{name} {number}", name, photons, source, truth,
                    found[clear], found[seen & ~clear],
                )  # fmt: skip


def made(number: int, *, haze: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw a field; return the truth, (2 * H, 2 * W), and the positions of its spots, (N, 2)."""
    random, side = np.random.default_rng((7, number)), SIDE * SCALE
    spots = np.empty((0, 2))
    while len(spots) < SPOTS:
        place = random.uniform(MARGIN, side - MARGIN, 2)
        if not len(spots) or np.hypot(*(spots - place).T).min() > APART:
            spots = np.vstack((spots, place))
    heights = FAINTEST ** random.uniform(0, 1, SPOTS)
    rows, columns = np.mgrid[:side, :side]
    truth = np.zeros((side, side))
    for (row, column), height in zip(spots, heights, strict=True):
        distance = (rows - row) ** 2 + (columns - column) ** 2
        truth += height * np.exp(-distance / (2 * SIGMA**2))
    if haze:
        clouds = gaussian_filter(random.standard_normal(truth.shape), HAZE_SIGMA)
        truth += HAZE * (clouds - clouds.min()) / (clouds.max() - clouds.min())
    return truth, spots


def noisy(truth: NDArray[np.float64], photons: int, seed: int) -> NDArray[np.float32]:
    """Average 2 x 2 pixels, and count photons with a noisy camera."""
    height, width = (size // SCALE for size in truth.shape)
    light = truth.reshape(height, SCALE, width, SCALE).mean(axis=(1, 3)).clip(0) + BACKGROUND
    random = np.random.default_rng((photons, seed))
    counts = random.poisson(light * photons) + random.normal(0, READ_NOISE, light.shape)
    return (counts / photons - BACKGROUND).astype(np.float32)


def maxima(
    image: NDArray[np.float64], distance: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions, (N, 2), and heights, (N,), of the local maxima of an image.

    Parameters
    ----------
    image
        (H, W).
    distance
        A maximum is the largest pixel at up to this distance along rows and columns, in pixels,
        unless all of these are equal.
    """
    peak = image == maximum_filter(image, 2 * distance + 1)
    peak &= image > minimum_filter(image, 2 * distance + 1)
    peak[:MARGIN], peak[-MARGIN:], peak[:, :MARGIN], peak[:, -MARGIN:] = (False,) * 4
    return np.argwhere(peak).astype(float), image[peak]


def _real(packages: Path, file: str) -> list[NDArray[np.float64]]:
    path = next(iter(sorted(packages.rglob(file))), None)
    if path is None:
        raise SystemExit(f"{packages} must contain {file} of spotiflow 0.6.5; see real_images.py")
    pixels = tifffile.imread(path).astype(float)
    frames = pixels[list(FRAMES)] if pixels.ndim == 3 else pixels[None]
    height, width = (min(size // 4 * 4, SIDE * SCALE) for size in frames.shape[1:])
    frames = frames[:, :height, :width]
    low, high = np.percentile(frames, ENDS)
    return [((frame - low) / (high - low)).clip(0) for frame in frames]
