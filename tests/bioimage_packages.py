"""Small model packages of the BioImage Model Zoo, written by hand."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from functools import lru_cache

import numpy as np
import torch
from torch import nn


class Enlarger(nn.Module):
    """A 5x5 convolution, a ReLU, a 3x3 convolution and a shuffle: it looks 3 pixels around."""

    def __init__(self, scale=2, channels=1):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(channels, 4, 5, padding=2)
        self.second = nn.Conv2d(4, channels * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, image):
        return self.shuffle(self.second(torch.relu(self.first(image))))


class Pooled(Enlarger):
    """An `Enlarger` that halves the image first, as a U-Net does: sides must be even."""

    def forward(self, image):
        small = nn.functional.max_pool2d(image, 2)
        return super().forward(nn.functional.interpolate(small, scale_factor=2.0))


class Everywhere(Enlarger):
    """An `Enlarger` of an image whose mean was subtracted: it looks everywhere."""

    def forward(self, image):
        return super().forward(image - image.mean((2, 3), keepdim=True))


@lru_cache
def weights(kind="onnx", network=Enlarger, **options):
    """Return the content of a file of weights."""
    module = network(**options).eval()
    image = torch.rand(1, options.get("channels", 1), 16, 12)
    file = io.BytesIO()
    if kind == "torchscript":
        torch.jit.save(torch.jit.trace(module, image), file)
    else:
        free = {2: "h", 3: "w"}
        torch.onnx.export(
            module, (image,), file, dynamo=False, input_names=["x"], output_names=["y"],
            dynamic_axes={"x": free, "y": free},
        )  # fmt: skip
    return file.getvalue()


def npy(array):
    """Return the content of a .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def sha(content):
    """Return the SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def axes(channels, size, halo=None, scale=1, out=False):
    """Return the axes of a tensor in the format 0.5."""
    found = [
        {"type": "batch"},
        {"type": "channel", "id": "channel", "channel_names": [f"c{i}" for i in range(channels)]},
    ]
    for name in "yx":
        axis = {"type": "space", "id": name, "size": size, "scale": 1 / scale}
        if out:
            axis["size"] = {"tensor_id": "raw", "axis_id": name}
        if halo:
            axis["halo"] = halo
        found.append(axis)
    return found


def description(
    kind="onnx", channels=1, scale=2, halo=6, size=None, before=(), after=(), data=None
):
    """Return a description in the format 0.5."""
    size = size or {"min": 4, "step": 1}
    data = data or {"type": "float32", "range": [None, None]}
    name = "weights.onnx" if kind == "onnx" else "weights.pt"
    return {
        "format_version": "0.5.4",
        "type": "model",
        "name": "A small enlarger",
        "description": "Enlarges test images.",
        "authors": [{"name": "Ada"}],
        "license": "MIT",
        "inputs": [
            {
                "id": "raw",
                "axes": axes(channels, size),
                "data": data,
                "preprocessing": list(before),
                "test_tensor": {"source": "in.npy"},
            }
        ],
        "outputs": [
            {
                "id": "out",
                "axes": axes(channels, None, halo, scale, out=True),
                "data": {"type": "float32", "range": [None, None]},
                "postprocessing": list(after),
                "test_tensor": {"source": "out.npy"},
            }
        ],
        "weights": {kind: {"source": name, "opset_version": 18}},
    }


def steps(*pairs):
    """Return steps of processing from pairs of a name and arguments."""
    return [{"id": name, "kwargs": kwargs} for name, kwargs in pairs]


def files(about, content, image, result):
    """Return the files of a package by name, with their hashes in the description."""
    (kind,) = about["weights"]
    entry = about["weights"][kind]
    parts = {entry["source"]: content, "in.npy": npy(image), "out.npy": npy(result)}
    entry.setdefault("sha256", sha(content))
    return {"rdf.yaml": json.dumps(about).encode(), **parts}


def write(path, parts):
    """Write the files of a package into a zip archive, or into a folder if it has no ending."""
    if path.suffix:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
    else:
        path.mkdir()
        for name, content in parts.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_bytes(content)
    return path
