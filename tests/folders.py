"""Folders of small images, and the command that upscales them, for tests."""

from __future__ import annotations

import numpy as np
import tifffile
from PIL import Image


def pixels_of(seed=0, shape=(9, 7)):
    """Return values that a network does not overshoot."""
    random = np.random.default_rng(seed)
    return (np.linspace(80, 160, np.prod(shape)).reshape(shape) + 9 * random.random(shape)).astype(
        np.uint8
    )


def image_at(path, seed=0, shape=(9, 7)):
    """Write a PNG or a TIFF; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        Image.fromarray(pixels_of(seed, shape)).save(path)
    else:
        tifffile.imwrite(path, pixels_of(seed, shape))
    return path


def tree_of(folder, *names):
    """Write an image under each name; return the folder."""
    for seed, name in enumerate(names):
        image_at(folder / name, seed)
    return folder


def files_in(folder):
    """Return all files below a folder but the journal, and their contents."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".napari-sr" not in path.parts
    }
