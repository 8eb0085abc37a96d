"""YCbCr is displayed correctly, or refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sr.files.image import FileError
from napari_sr.files.tiff_reader import read_tiff

RGB = np.array([[[200, 40, 40], [40, 40, 200]], [[10, 250, 99], [0, 255, 128]]], np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def changed_tag(path, code, value):
    """Overwrite a tag's short number in the first page of a little-endian classic TIFF."""
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    for at in range(start + 2, len(content), 12):
        if int.from_bytes(content[at : at + 2], "little") == code:
            content[at + 8 : at + 10] = value.to_bytes(2, "little")
            path.write_bytes(content)
            return


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_ycbcr_is_converted_as_pillow_shows_it(path, compression):
    options = {} if compression is None else {"compression": compression}
    Image.fromarray(RGB).convert("YCbCr").save(path, **options)

    image = read_tiff(path)

    # 8 bits of Y, Cb and Cr hold 8 bits of RGB to within 2
    assert image.axes == "YXS"
    assert np.abs(image.pixels.astype(int) - RGB).max() <= 2
    assert image.notes == ("its YCbCr colours were converted to RGB",)


def ycbcr(rgb, shares, black=0, luma=255, chroma=255, scale=1):
    """Return codes by the definition: Y in black..luma, Cb and Cr around the middle."""
    light = rgb / 255
    y = light @ shares
    differences = [(light[..., i] - y) / (2 - 2 * shares[i]) for i in (2, 0)]
    codes = [black + (luma - black) * y, *(128 + chroma * one for one in differences)]
    return np.rint(np.stack(codes, -1) * scale)


def test_the_tags_of_ycbcr_are_heeded(path):
    shares = np.array([0.2126, 0.7152, 0.0722])
    told = (2126, 10000, 7152, 10000, 722, 10000)
    pixels = ycbcr(RGB, shares).clip(0, 255).astype(np.uint8)
    tifffile.imwrite(path, pixels, photometric="ycbcr", extratags=[(529, 5, 3, told, True)])
    assert np.abs(read_tiff(path).pixels.astype(int) - RGB).max() <= 2

    shares = np.array([0.299, 0.587, 0.114])
    told = (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
    pixels = ycbcr(RGB, shares, 16, 235, 224).astype(np.uint8)
    tifffile.imwrite(path, pixels, photometric="ycbcr", extratags=[(532, 5, 6, told, True)])
    assert np.abs(read_tiff(path).pixels.astype(int) - RGB).max() <= 2


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
def test_ycbcr_of_16_bits_and_planes(path, planarconfig):
    pixels = ycbcr(RGB, np.array([0.299, 0.587, 0.114])).clip(0, 255).astype(np.uint16) * 256
    stored = pixels if planarconfig == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(path, stored, photometric="ycbcr", planarconfig=planarconfig)

    shown = read_tiff(path).pixels

    assert np.abs(shown.astype(int) - RGB.astype(int) * 257).max() <= 3 * 257


def test_ycbcr_that_is_not_understood_is_refused(path):
    tifffile.imwrite(path, np.zeros((5, 7, 3), np.float32), photometric="ycbcr")
    with pytest.raises(FileError, match="YCbCr of float32: convert it to RGB first"):
        read_tiff(path)

    tifffile.imwrite(
        path, np.zeros((16, 16, 3), np.uint8), photometric="rgb", compression="jpeg",
        subsampling=(2, 2),
    )  # fmt: skip
    changed_tag(path, 259, 1)
    with pytest.raises(FileError, match=r"subsampling \(2, 2\)\): convert it to RGB"):
        read_tiff(path)
