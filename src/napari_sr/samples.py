"""Sample images: real images from scikit-image, and synthetic images.

Nothing is downloaded. Pixel sizes are given if the source states them. The real images are cropped
to a region with structure that is upscaled in a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from skimage import data

if TYPE_CHECKING:
    from numpy.typing import NDArray

LayerData: TypeAlias = tuple["NDArray[Any]", dict[str, Any], str]
"""A layer for napari: pixels, keyword arguments, layer type."""

CELL_PIXEL = 0.107
"""Pixel size in micrometres, which scikit-image states for its image `cell`."""
OFFSET, GAIN = 100, 2.0
"""The synthetic camera: its offset, and grey values per photon."""


def cell() -> list[LayerData]:
    """Return a living cell in saline, quantitative phase, (180, 180) uint8, pixels of 0.107 um.

    From Müller et al., 2018, https://doi.org/10.1364/OE.26.010729; CC0.
    """
    pixels = _shipped("cell")[285:465, 340:520]
    place = {"scale": (CELL_PIXEL, CELL_PIXEL), "units": ("um", "um")}
    return [(pixels.copy(), {"name": "cell", "axis_labels": ("y", "x"), **place}, "image")]


def tissue() -> list[LayerData]:
    """Return colonic glands, immunohistochemistry, (200, 200, 3) uint8 RGB.

    Acquired at the Center for Microscopy And Molecular Imaging; no known restrictions. It is binned
    2 x 2, so that structures are as small as pixels and the effect of a network is obvious.
    """
    pixels = _binned(_shipped("immunohistochemistry")[112:512, 112:512])
    return [_in_pixels("tissue", pixels, rgb=True)]


def retina() -> list[LayerData]:
    """Return vessels at the optic disc of a human retina, (240, 240, 3) uint8 RGB.

    From Häggström, 2014, https://doi.org/10.15347/wjm/2014.008; CC0.
    """
    return [_in_pixels("retina", _shipped("retina")[430:670, 180:420], rgb=True)]


def camera() -> list[LayerData]:
    """Return a part of the photograph of a cameraman, (200, 200) uint8; CC0."""
    return [_in_pixels("camera", _shipped("camera")[50:250, 150:350], rgb=False)]


def spots() -> list[LayerData]:
    """Return a synthetic fluorescence stack, (7, 160, 160) uint16 with 12 bits in use.

    See `fluorescence` for the formula.
    """
    looks = {"contrast_limits": (0, 4095), "colormap": "green", "axis_labels": ("z", "y", "x")}
    return [(fluorescence(), {"name": "spots", "rgb": False, **looks}, "image")]


def head() -> list[LayerData]:
    """Return a synthetic CT of a head, (200, 200) int16 in Hounsfield units, pixels of 1 mm.

    The phantom of Shepp and Logan, 1974, https://doi.org/10.1109/TNS.1974.6499235, from
    scikit-image, binned 2 x 2. Its density 0 (air) becomes -1000, 0.2 (water) becomes 0, and 1
    (bone) becomes 1200; Gaussian noise with a standard deviation of 12 is added.
    """
    density = _shipped("shepp_logan_phantom").reshape(200, 2, 200, 2).mean(axis=(1, 3))
    values = np.interp(density, (0, 0.2, 1), (-1000, 0, 1200))
    values = values + np.random.default_rng(0).normal(0, 12, values.shape)
    place = {"scale": (1.0, 1.0), "units": ("mm", "mm"), "axis_labels": ("y", "x")}
    looks = {"contrast_limits": (-1000, 1500), "name": "head"}
    return [(np.rint(values).astype(np.int16), {**looks, **place}, "image")]


def moving() -> list[LayerData]:
    """Return a time series of stacks of moving spots, synthetic, (6, 3, 128, 128) uint16, 12 bits.

    Objects are those of `fluorescence`. Each moves by up to 1.5 px along Y and X per time point.
    """
    random = np.random.default_rng(1)
    where, photons = _objects(random, 3, 128)
    steps = random.uniform((0, -1.5, -1.5), (0, 1.5, 1.5), (60 + 12, 3))
    steps = np.concatenate([steps[:60], steps[60:].repeat(160, axis=0)])  # filaments keep together
    times = [_exposed(random, where + time * steps, photons, 3, 128) for time in range(6)]
    looks = {"contrast_limits": (0, 4095), "colormap": "magenta", "name": "moving", "rgb": False}
    return [(np.stack(times), {**looks, "axis_labels": ("t", "z", "y", "x")}, "image")]


def _shipped(name: str) -> NDArray[Any]:
    pixels: NDArray[Any] = getattr(data, name)()
    return pixels


def _binned(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average every 2 x 2 pixels and round, (H, W, 3) to (H / 2, W / 2, 3)."""
    height, width, channels = pixels.shape
    squares = pixels.reshape(height // 2, 2, width // 2, 2, channels)
    means: NDArray[np.uint8] = np.rint(squares.mean(axis=(1, 3))).astype(np.uint8)
    return means


def _in_pixels(name: str, pixels: NDArray[Any], *, rgb: bool) -> LayerData:
    return pixels.copy(), {"name": name, "rgb": rgb, "axis_labels": ("y", "x")}, "image"


def fluorescence(depth: int = 7, side: int = 160, seed: int = 0) -> NDArray[np.uint16]:
    """Compute a stack of spots and filaments as recorded by a camera with 12 bits.

    Every object is a sum of Gaussians. The expected number of photons at pixel (z, y, x) is

        m = 5 + sum over i of a_i exp(-((y - y_i)^2 + (x - x_i)^2) / 2 s_i^2) (s_0 / s_i)^2,
        s_i^2 = s_0^2 + (0.6 (z - z_i))^2

    with s_0 = 1.2 px: out of focus, a spot is wider, but its total intensity is the same. 60 spots
    have a = 200 to 900; 12 filaments are arcs of 160 Gaussians with a = 45. The camera counts
    Poisson(m) photons and returns 100 + 2 * counts, at most 4095.

    Parameters
    ----------
    depth, side : int
        The stack is (depth, side, side).
    seed : int
        Seed of the positions of objects and of photon counts.
    """
    random = np.random.default_rng(seed)
    where, photons = _objects(random, depth, side)
    return _exposed(random, where, photons, depth, side)


def _exposed(
    random: np.random.Generator,
    where: NDArray[np.float64],
    photons: NDArray[np.float64],
    depth: int,
    side: int,
) -> NDArray[np.uint16]:
    """Return the camera's stack of some objects, (depth, side, side)."""
    expected = np.stack([_plane(z, side, where, photons) for z in range(depth)])
    shown = np.minimum(OFFSET + GAIN * random.poisson(expected), 4095)
    stack: NDArray[np.uint16] = shown.astype(np.uint16)
    return stack


def _objects(
    random: np.random.Generator, depth: int, side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the positions of all Gaussians, (N, 3) as z, y, x, and their photons, (N,)."""
    spots = random.uniform((0, 0, 0), (depth - 1, side, side), (60, 3))
    bright = random.uniform(200, 900, 60)
    along = np.linspace(0, 1, 160)[:, None]
    filaments = []
    for _ in range(12):
        start, bend, end = random.uniform((0, 0, 0), (depth - 1, side, side), (3, 3))
        # a quadratic Bezier curve from start to end, bent towards a third point
        filaments.append((1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end)
    where = np.concatenate([spots, *filaments])
    return where, np.concatenate([bright, np.full(len(where) - 60, 45.0)])


def _plane(
    z: int, side: int, where: NDArray[np.float64], photons: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the expected photons of one plane, (side, side)."""
    sharp = 1.2**2
    spread = sharp + (0.6 * (z - where[:, 0])) ** 2
    axis = np.arange(side)
    # a Gaussian is the product of one along y and one along x
    rows = np.exp(-((axis - where[:, 1, None]) ** 2) / (2 * spread[:, None]))
    columns = np.exp(-((axis - where[:, 2, None]) ** 2) / (2 * spread[:, None]))
    light: NDArray[np.float64] = 5 + np.einsum(
        "n,ny,nx->yx", photons * sharp / spread, rows, columns, optimize=True
    )
    return light
