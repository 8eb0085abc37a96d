"""PNG and JPEG keep depth, colour, alpha, density and profile; what they cannot is refused."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from napari_sr.files import raster
from napari_sr.files.image import Density, FileError, ImageFile

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SHAPES = {"grey": (5, 7), "grey and alpha": (5, 7, 2), "RGB": (5, 7, 3), "RGBA": (5, 7, 4)}


def noise(random, shape, dtype=np.uint8):
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_png_comes_back_as_it_was(tmp_path, random, shape, dtype):
    pixels = noise(random, shape, dtype)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))

    image = raster.read_png(tmp_path / "a.png")
    buffer = io.BytesIO()
    raster.write_png(image, buffer)

    assert image.axes == ("YX" if len(shape) == 2 else "YXS")
    assert image.grey_alpha == (shape[-1] == 2)
    again = imagecodecs.png_decode(buffer.getvalue())
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, pixels)


def test_a_png_keeps_density_profile_and_says_who_wrote_it():
    image = ImageFile(
        np.zeros((2, 3, 3), np.uint16), "YXS", Density(300, 200, "inch"), PROFILE, software="us"
    )
    buffer = io.BytesIO()

    raster.write_png(image, buffer)

    written = Image.open(buffer)
    assert written.info["dpi"] == pytest.approx((300, 200), abs=0.02)  # whole pixels per metre
    assert written.info["icc_profile"] == PROFILE
    assert written.info["Software"] == "us"


def test_density_and_profile_of_a_png_are_read(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGB", (3, 2)), dpi=(300, 200), icc_profile=PROFILE)

    image = raster.read_png(path)

    assert image.density.per("inch") == pytest.approx((300, 200), abs=0.02)
    assert image.profile == PROFILE


def test_a_palette_becomes_rgb_and_is_told(tmp_path, random):
    palette = Image.fromarray(noise(random, (5, 7, 3))).quantize(4)
    path = saved(tmp_path / "a.png", palette)

    image = raster.read_png(path)

    np.testing.assert_array_equal(image.pixels, np.asarray(palette.convert("RGB")))
    assert image.notes == ("its palette was converted to RGB",)


def test_one_bit_becomes_black_and_white_of_8_bits(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(np.array([[True, False]])))

    image = raster.read_png(path)

    assert image.pixels.tolist() == [[255, 0]]
    assert image.notes == ("its 1-bit grey was converted to 8 bits",)


def test_an_animation_is_refused(tmp_path):
    frames = [Image.new("L", (3, 2), value) for value in (0, 9)]
    path = saved(tmp_path / "a.png", frames[0], save_all=True, append_images=frames[1:])

    with pytest.raises(FileError, match=r"a\.png is an animation of 2 frames"):
        raster.read_png(path)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_is_read_with_its_density(tmp_path, mode):
    path = saved(tmp_path / "a.jpg", Image.new(mode, (7, 5), 128), dpi=(300, 200))

    image = raster.read_jpeg(path)

    assert image.pixels.shape[:2] == (5, 7)
    assert image.density == Density(300, 200, "inch")


def test_a_jpeg_is_read_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    path = saved(tmp_path / "a.jpg", Image.new("L", (7, 5)), exif=exif)

    assert raster.read_jpeg(path).pixels.shape == (7, 5)


def test_cmyk_is_refused_with_what_to_do(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (3, 2)))

    with pytest.raises(FileError, match=r"colours of the kind CMYK: convert it to RGB"):
        raster.read_jpeg(path)


@pytest.mark.parametrize(
    ("suffix", "read"), [(".png", raster.read_png), (".jpg", raster.read_jpeg)]
)
def test_a_file_cut_off_anywhere_is_refused(tmp_path, random, suffix, read):
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(noise(random, (64, 48, 3))))
    content = path.read_bytes()

    for length in range(8, len(content) - 20, 97):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match=rf"a{suffix} is damaged or cut off") as told:
            read(path)
        assert "\n" not in str(told.value)


def test_a_written_jpeg_is_close_and_keeps_density_and_profile():
    pixels = np.full((16, 16, 3), 90, np.uint8)
    image = ImageFile(pixels, "YXS", Density(300, 300, "inch"), PROFILE)
    buffer = io.BytesIO()

    raster.write_jpeg(image, buffer)

    written = Image.open(buffer)
    assert np.abs(np.asarray(written).astype(int) - 90).max() <= 2  # one step of its table
    assert written.info["dpi"] == (300, 300)
    assert written.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("density", [Density(1e7, 1e7, "cm"), Density(1, 1, ""), None])
def test_a_density_that_a_jpeg_cannot_tell_is_left_out(density):
    buffer = io.BytesIO()

    raster.write_jpeg(ImageFile(np.zeros((2, 2), np.uint8), "YX", density), buffer)

    assert "dpi" not in Image.open(buffer).info or Image.open(buffer).info["jfif_unit"] == 0


@pytest.mark.parametrize(
    ("dtype", "axes", "shape", "what"),
    [
        (np.int16, "YX", (2, 2), r"PNG holds 8 or 16 bits, not int16"),
        (np.float32, "YX", (2, 2), r"PNG holds 8 or 16 bits, not float32"),
        (np.uint8, "ZYX", (5, 2, 2), r"PNG holds one plane .* not axes ZYX of shape \(5, 2, 2\)"),
        (np.uint8, "YXZ", (2, 2, 5), r"PNG holds one plane .* not axes YXZ"),
    ],
)
def test_what_a_png_cannot_hold_is_refused(dtype, axes, shape, what):
    with pytest.raises(FileError, match=what):
        raster.check_png(ImageFile(np.zeros(shape, dtype), axes), Path("a.png"))


@pytest.mark.parametrize(
    ("dtype", "axes", "shape", "what"),
    [
        (np.uint16, "YX", (2, 2), r"JPEG holds 8 bits, not uint16"),
        (np.uint8, "YXS", (2, 2, 4), r"JPEG holds no alpha"),
        (np.uint8, "CYX", (3, 2, 2), r"JPEG holds one plane .* not axes CYX"),
        (np.uint8, "YX", (1, 20_000), r"at most 65535 px a side, not 80000"),
    ],
)
def test_what_a_jpeg_cannot_hold_is_refused(dtype, axes, shape, what):
    with pytest.raises(FileError, match=what):
        raster.check_jpeg(ImageFile(np.zeros(shape, dtype), axes), Path("a.jpg"), 4)
