"""Measure the loss of PSNR by half precision and kernels: networks with real weights on a test set.

Unlike psnr.py, this module does not need napari, Pillow and pooch; it contains a PNG reader.

Symbols: N images, H x W pixels, S scale.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import torch
from timing import DEVICE, by

from napari_sr.layers.colour import rgb_to_ycbcr
from napari_sr.zoo import recognition
from napari_sr.zoo.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

FILES = {
    "bsrn": "bsrn/net_g_BSRN_x4.pth", "bsrn_s": "bsrn/net_g_BSRN-S.pth",
    "rfdn": "rfdn/RFDN_AIM.pth", "imdn": "imdn/IMDN_x4.pth",
}  # fmt: skip
"""Files in the folder of weights; all are for x4."""
SCALE = 4
WORDS = {"float32": "reference", "float16": "triton"}
"""Choice of kernels by precision."""


def read_png(path: Path) -> Tensor:
    """Return an 8-bit RGB image, not interlaced, as (1, 3, H, W) in 0..1, in float64.

    Raises
    ------
    ValueError
        If the PNG is not 8-bit RGB, or is interlaced.
    """
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, *form = struct.unpack(">IIBBBBB", body)
            if form != [8, 2, 0, 0, 0]:
                raise ValueError(
                    f"a PNG of 8-bit RGB [8, 2, 0, 0, 0] is needed, got {form} in {path}"
                )
        packed += body if kind == b"IDAT" else b""
        at += length + 12
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 3 * width)
    pixels = np.zeros((height + 1, width + 1, 3), np.int64)  # a border of zero above and left
    for row in range(height):
        line = lines[row, 1:].reshape(width, 3).astype(np.int64)
        pixels[row + 1, 1:] = _unfiltered(lines[row, 0], line, pixels[row])
    return torch.from_numpy(pixels[1:, 1:] / 255).permute(2, 0, 1)[None]


def _unfiltered(kind: int, line: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Undo the filter of one line, as the PNG standard defines it."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line, axis=0) % 256
    if kind == 2:
        return (line + above[1:]) % 256
    result = np.zeros((len(line) + 1, 3), np.int64)
    for x in range(len(line)):
        left, up, corner = result[x], above[x + 1], above[x]
        if kind == 3:
            guess = (left + up) // 2
        else:
            distances = np.abs([up - corner, left - corner, left + up - 2 * corner])
            guess = np.choose(distances.argmin(axis=0), [left, up, corner])
        result[x + 1] = (line[x] + guess) % 256
    return result[1:]


def luma(rgb: Tensor) -> Tensor:
    """Return the BT.601 luma, (N, 1, H, W), of an RGB image, (N, 3, H, W), clipped to its range."""
    return rgb_to_ycbcr(rgb.double().clamp(0, 1))[:, :1].clamp(16 / 255, 235 / 255)


def psnr(result: Tensor, truth: Tensor) -> float:
    """Return the PSNR in dB of luma, both (N, 1, H, W), without `SCALE` pixels of border."""
    error = (result - truth)[..., SCALE:-SCALE, SCALE:-SCALE]
    return -10 * math.log10(error.square().mean().item())


def measure(name: str, folder: Path, weights: Path, most: int | None = None) -> dict[str, float]:
    """Return a network's mean PSNR over a set, by precision.

    Parameters
    ----------
    name : str
        One of `FILES`.
    folder, weights : Path
        Folder of the test set, with HR/ and LR_matlab/x4/, and folder of the weights.
    most : int, optional
        Largest side of the crop of each LR image to use, from the upper left corner.
    """
    network = recognition.build(read_checkpoint(weights / FILES[name])).to(DEVICE)
    found = {}
    tf32, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    for precision, word in WORDS.items():
        # float32 must come first, because float16 rounds the weights
        dtype = getattr(torch, precision)
        network.to(dtype=dtype, memory_format=torch.channels_last)
        values = []
        for path in sorted((folder / "HR").iterdir()):
            small = read_png(folder / "LR_matlab" / f"x{SCALE}" / path.name)[..., :most, :most]
            height, width = (SCALE * size for size in small.shape[-2:])
            truth = luma(read_png(path)[..., :height, :width])
            large = by(word, network, small.to(DEVICE, dtype))().cpu()
            values.append(psnr(luma(large), truth))
        found[precision] = sum(values) / len(values)
    torch.backends.cudnn.allow_tf32 = tf32
    return found
