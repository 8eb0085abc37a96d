"""Small valid files of every format that can be read; fuzz.py mutates them."""

from __future__ import annotations

import io
import json
import struct
from typing import TYPE_CHECKING

import numpy as np
import tifffile
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save
from scipy.io import savemat

from napari_sr import models
from napari_sr.training import recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

CARD = {
    "network": "fsrcnn",
    "scale": 2,
    "options": {"input_range": 1.0},
    "recipe": {"data": {"grey": False}},
    "here": {
        "base_model": "FSRCNN x2", "images": ["a", "b"], "degradation": "bicubic", "psnr": 31.2,
        "bicubic": 30.5,
    },
}  # fmt: skip


def samples() -> dict[str, list[bytes]]:
    """Return the contents of valid files, by kind of file; they are the same in every run."""
    state = _state()
    return {
        "pth": [_torch({"params": state}, True), _torch(state, True)],
        "pth, legacy": [_torch({"state_dict": state, "epoch": 3}, False)],
        "safetensors": [save(state)],
        "card": [save(state, {"card": json.dumps(CARD)})],
        "npz": list(_npz(state)),
        "mat": list(_mat(state)),
        "png": list(_png()),
        "tiff": list(_tiff()),
        "jpeg": list(_jpeg()),
        "toml": [recipe.find(name).read_bytes() for name in recipe.names()],
    }


def _state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return models.architecture("fsrcnn").network(scale=2, features=4, shrunk=2).state_dict()


def _torch(content: object, zipped: bool) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def _npz(state: dict[str, torch.Tensor]) -> Iterator[bytes]:
    for write in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        write(file, **{key: value.numpy() for key, value in state.items()})
        yield file.getvalue()


def _mat(state: dict[str, torch.Tensor]) -> Iterator[bytes]:
    records = np.zeros(2, dtype=[("name", object), ("value", object)])
    records[0], records[1] = ("conv_f", np.ones((3, 3, 1, 4), np.float32)), ("conv_b", np.ones(4))
    plain = {key.replace(".", "_"): value.numpy() for key, value in state.items()}
    for content, compressed in (
        (plain, True),
        (plain, False),
        ({"net": {"params": records}}, True),
    ):
        file = io.BytesIO()
        savemat(file, content, do_compression=compressed)
        yield file.getvalue()


def _pixels(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, shape).astype(dtype)


def _png() -> Iterator[bytes]:
    images = (
        Image.fromarray(_pixels(9, 11, 3)),
        Image.fromarray(_pixels(9, 11, 4)),
        Image.fromarray(_pixels(9, 11, dtype=np.uint16)),
        Image.fromarray(_pixels(9, 11) > 128),
        Image.fromarray(_pixels(9, 11, 3)).quantize(16),
        Image.fromarray(_pixels(9, 11, 2), "LA"),
    )
    more, exif = PngInfo(), Image.Exif()
    more.add_text("Title", "a text")
    more.add_itxt("Author", "a longer text " * 9, zip=True)
    more.add(b"gAMA", struct.pack(">I", 45455))
    more.add(b"cHRM", struct.pack(">8I", *range(10_000, 90_000, 10_000)))
    more.add(b"sBIT", bytes((5, 6, 5)))
    exif[274] = 6
    for image in images:
        for options in ({"dpi": (300, 300)}, {"pnginfo": more, "exif": exif.tobytes()}):
            file = io.BytesIO()
            image.save(file, "png", **options)
            yield file.getvalue()


def _jpeg() -> Iterator[bytes]:
    for shape, progressive in (((16, 24, 3), False), ((16, 24), False), ((16, 24, 3), True)):
        file, exif = io.BytesIO(), Image.Exif()
        exif[274] = 6
        Image.fromarray(_pixels(*shape)).save(file, "jpeg", progressive=progressive, exif=exif)
        yield file.getvalue()


def _tiff() -> Iterator[bytes]:
    stack, colour = _pixels(2, 3, 16, 32, dtype=np.uint16), _pixels(32, 32, 3)
    for image, options in (
        (stack, {}),
        (colour, {"photometric": "rgb", "compression": "zlib", "predictor": True}),
        (colour, {"photometric": "rgb", "tile": (16, 16), "compression": "lzw"}),
        (stack, {"imagej": True, "metadata": {"axes": "ZCYX", "spacing": 0.5, "unit": "um"}}),
        (stack, {"ome": True, "metadata": {"axes": "ZCYX", "PhysicalSizeX": 0.1}}),
        (stack, {"bigtiff": True, "byteorder": ">"}),
        (stack.astype(np.float32), {"compression": "zstd"}),
        (colour, {"photometric": "rgb", "planarconfig": "contig", "compression": "jpeg"}),
        (colour, {"photometric": "ycbcr", "compression": "jpeg", "tile": (16, 16)}),
        (colour.transpose(2, 0, 1), {"photometric": "rgb", "planarconfig": "separate"}),
        (colour[..., 0], {"photometric": "miniswhite", "extratags": [(274, 3, 1, 6, True)]}),
        (colour[..., 0], {"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)}),
        (_pixels(32, 32, 4), {"photometric": "rgb", "extrasamples": ["assocalpha"]}),
        (_pixels(32, 32, 2), {"photometric": "minisblack", "extrasamples": ["unassalpha"]}),
        (colour[..., 0] > 99, {"photometric": "minisblack", "compression": "packbits"}),
        (colour[..., 0], {"extratags": [(33550, 12, 3, (0.5, 0.5, 0.0), True)]}),
        (stack.astype(np.float16), {"subfiletype": 1, "resolution": (300, 300)}),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, image, **options)
        yield file.getvalue()
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:  # append pages one by one
        for page in stack[0]:
            writer.write(page, contiguous=False, metadata=None)
    yield file.getvalue()
