"""The unusual layers of `odd_layers.py`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array
import numpy as np
import zarr

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM = np.random.default_rng(0)


@dataclass(frozen=True)
class Odd:
    """An unusual layer, and the expected outcome."""

    name: str
    data: Callable[[], Any]
    keywords: dict[str, Any]
    refused: str = ""
    """Words of the form's message if the layer cannot be upscaled; "" if it can."""
    whole: str = ""
    """Words of the form's message if only a part of the layer can be upscaled."""
    part: str = ""
    """Words of the form's message if only the whole layer can be upscaled."""
    prepare: Callable[[Any], object] = bool
    """Called with the viewer before the first run."""


def noise(*shape: int, kind: str = "uint8", high: float = 255) -> np.ndarray:
    """Return random pixels from 0 to `high`."""
    return (RANDOM.random(shape) * high).astype(kind)


def with_holes() -> np.ndarray:
    """Return floats; some are NaN."""
    pixels = noise(40, 52, kind="float32", high=1)
    pixels[3:9, 5:8] = np.nan
    return pixels


def with_infinity() -> np.ndarray:
    """Return floats; one is infinite."""
    pixels = noise(40, 52, kind="float32", high=1)
    pixels[3, 5] = np.inf
    return pixels


def pyramid(*shape: int) -> list[np.ndarray]:
    """Return the two levels of a multiscale image."""
    full = noise(*shape, kind="uint16", high=4000)
    return [full, full[..., ::2, ::2]]


def on_disk(kind: str) -> Any:
    """Return a read-only memory map, or a Zarr array in a folder."""
    place = Path(tempfile.mkdtemp())
    pixels = noise(3, 40, 52, kind="uint16", high=4000)
    if kind == "zarr":
        array = zarr.create_array(str(place / "a.zarr"), shape=pixels.shape, dtype=pixels.dtype)
        array[:] = pixels
        return array
    np.save(place / "a.npy", pixels)
    return np.load(place / "a.npy", mmap_mode="r")


def select_labels(viewer: Any) -> None:
    """Add a layer of labels, and select it."""
    viewer.layers.selection.active = viewer.add_labels(np.ones((40, 52), int), name="labels")


def only_labels(viewer: Any) -> None:
    """Replace all layers by a layer of labels."""
    viewer.layers.clear()
    viewer.add_labels(np.ones((40, 52), int), name="labels")


def in_3d(viewer: Any) -> None:
    """Show three axes."""
    viewer.dims.ndisplay = 3


def roll(viewer: Any) -> None:
    """Show the first axis as one of the two displayed axes."""
    viewer.dims.order = (1, 2, 0)


def transpose(viewer: Any) -> None:
    """Show X downwards."""
    viewer.dims.order = (0, 2, 1)


def layers() -> list[Odd]:
    """Return all unusual layers."""

    def odd(name: str, data: Callable[[], Any], refused: str = "", **keywords: Any) -> Odd:
        others = ("whole", "part", "prepare")
        told = {other: keywords.pop(other) for other in others if other in keywords}
        return Odd(name, data, keywords, refused, **told)

    affine = [[1, 0.2, 3], [0.1, 0.9, 4], [0, 0, 1]]
    huge = dask.array.zeros((40_000, 512, 512), chunks=(1, 512, 512), dtype="uint16")
    return [
        odd("5D uint16", lambda: noise(2, 1, 2, 24, 31, kind="uint16", high=4000)),
        odd("RGB uint16", lambda: noise(40, 52, 3, kind="uint16", high=65535), rgb=True),
        odd("RGBA uint8", lambda: noise(40, 52, 4), rgb=True),
        odd("RGB float, three planes", lambda: noise(3, 20, 30, 3, kind="float32"), rgb=True),
        odd("float with NaN", with_holes),
        odd("only NaN", lambda: np.full((20, 30), np.nan, "float32")),
        odd("float with infinity", with_infinity, "infinit"),
        odd("dask", lambda: dask.array.from_array(noise(3, 40, 52), chunks=(1, 16, 20))),
        odd("Zarr", lambda: on_disk("zarr")),
        odd("read-only memmap", lambda: on_disk("memmap")),
        odd("multiscale", lambda: pyramid(120, 160), multiscale=True),
        odd("multiscale stack", lambda: pyramid(3, 120, 160), multiscale=True),
        odd("negative scale", lambda: noise(40, 52), scale=(-2, 0.5), translate=(7, -3)),
        odd("rotated", lambda: noise(40, 52), rotate=30, scale=(2, 3)),
        odd("sheared", lambda: noise(40, 52), shear=[0.4], scale=(2, 3)),
        odd("affine", lambda: noise(40, 52), affine=affine, rotate=20),
        odd("units", lambda: noise(4, 40, 52), units=("s", "um", "um"), scale=(9, 0.1, 0.1)),
        odd("pixels of 1e-9", lambda: noise(40, 52), scale=(1e-9, 1e-9), translate=(5, 5)),
        odd("one pixel", lambda: noise(1, 1)),
        odd("1 x N", lambda: noise(1, 60)),
        odd("N x 1", lambda: noise(60, 1)),
        odd("one plane of one row", lambda: noise(3, 1, 9, kind="float32", high=1)),
        odd("bool", lambda: noise(40, 52) > 99, "bool"),
        odd("complex", lambda: noise(40, 52, kind="complex64"), "complex"),
        odd("int32", lambda: noise(40, 52, kind="int32", high=1e9) - 500_000_000),
        odd("int8", lambda: noise(40, 52).view("int8")),
        odd("uint64", lambda: noise(40, 52, kind="uint64", high=1e18)),
        odd("float16", lambda: noise(40, 52, kind="float16", high=1)),
        odd("float64 of 1e30", lambda: noise(40, 52, kind="float64", high=1e30)),
        odd("big-endian", lambda: noise(40, 52, kind=">u2", high=4000)),
        odd("strided", lambda: noise(80, 104)[::-2, ::2]),
        odd("constant", lambda: np.full((20, 30), 7, "uint16")),
        odd("hidden", lambda: noise(40, 52), visible=False),
        odd("additive, gamma", lambda: noise(40, 52), blending="additive", gamma=0.5),
        odd("empty", lambda: np.zeros((0, 5)), "empty"),
        odd("Labels selected", lambda: noise(40, 52), prepare=select_labels),
        odd("only Labels", lambda: noise(40, 52), "no image layer", prepare=only_labels),
        odd("shown in 3D", lambda: noise(3, 40, 52), part="2D", prepare=in_3d),
        odd("other axes shown", lambda: noise(3, 40, 52), part="axes Y and X", prepare=roll),
        odd("axes exchanged", lambda: noise(3, 40, 52), prepare=transpose),
        odd("channel axis", lambda: noise(3, 40, 52), channel_axis=0),
        odd("huge lazy", lambda: huge, whole="does not fit", contrast_limits=(0, 99)),
    ]
