"""A JPEG keeps colour, density, profile, EXIF, XMP and comment; other images are refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

from napari_sr.files import jpeg
from napari_sr.files.extras import Extras
from napari_sr.files.image import Density, FileError, ImageFile

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6" dc:creator="me"/></x:xmpmeta>'


def saved(path, image, **options):
    image.save(path, **options)
    return path


def written(image):
    buffer = io.BytesIO()
    jpeg.write_jpeg(image, buffer)
    return Image.open(buffer)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_is_read_with_its_density(tmp_path, mode):
    path = saved(tmp_path / "a.jpg", Image.new(mode, (7, 5), 128), dpi=(300, 200))

    image = jpeg.read_jpeg(path)

    assert image.pixels.shape[:2] == (5, 7)
    assert image.density == Density(300, 200, "inch")


def test_cmyk_is_refused_with_what_to_do(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (3, 2)))

    with pytest.raises(FileError, match=r"its colours as CMYK: convert it to RGB"):
        jpeg.read_jpeg(path)


def test_a_written_jpeg_is_close_and_keeps_density_and_profile():
    pixels = np.full((16, 16, 3), 90, np.uint8)
    image = ImageFile(pixels, "YXS", Density(300, 300, "inch"), PROFILE)

    result = written(image)

    assert np.abs(np.asarray(result).astype(int) - 90).max() <= 2  # one step of its table
    assert result.info["dpi"] == (300, 300)
    assert result.info["icc_profile"] == PROFILE


@pytest.mark.parametrize(
    ("dtype", "axes", "shape", "what"),
    [
        (np.uint16, "YX", (2, 2), r"JPEG holds 8 bits, not uint16"),
        (np.uint8, "YXS", (2, 2, 4), r"JPEG cannot hold the image's alpha"),
        (np.uint8, "CYX", (3, 2, 2), r"JPEG holds one plane .* not axes CYX"),
        (np.uint8, "YX", (1, 20_000), r"at most 65500 px a side, not 80000"),
    ],
)
def test_what_a_jpeg_cannot_hold_is_refused(dtype, axes, shape, what):
    with pytest.raises(FileError, match=what):
        jpeg.check_jpeg(ImageFile(np.zeros(shape, dtype), axes), Path("a.jpg"), 4)


def steps():
    """Return an image that no orientation leaves as it is, in blocks that JPEG keeps."""
    return np.kron(np.arange(0, 240, 40).reshape(2, 3), np.ones((16, 16))).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_read_upright_with_its_density(tmp_path, orientation):
    exif, pixels = Image.Exif(), steps()
    exif[0x0112] = orientation
    path = saved(
        tmp_path / "a.jpg", Image.fromarray(pixels), exif=exif, dpi=(200, 100), quality=100
    )

    image = jpeg.read_jpeg(path)

    # where the first stored row and column are shown, as TIFF 6.0 says
    shown = {
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.T,
        6: pixels.T[:, ::-1], 7: pixels.T[::-1, ::-1], 8: pixels.T[::-1],
    }  # fmt: skip
    assert image.pixels.shape == shown[orientation].shape
    assert np.abs(image.pixels.astype(int) - shown[orientation]).max() <= 1  # of its rounding
    dots = (100, 200) if orientation > 4 else (200, 100)
    assert image.density == Density(*dots, "inch")
    assert written(image).getexif().get(0x0112, 1) == 1


def test_density_may_be_in_exif_alone(tmp_path):
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = 40.0, 20.0, 3
    path = saved(tmp_path / "a.jpg", Image.new("L", (7, 5)), exif=exif)

    assert jpeg.read_jpeg(path).density == Density(40, 20, "cm")


def test_exif_xmp_and_comment_are_kept_and_hold_for_the_result(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", 6
    exif.get_ifd(0x8769).update({0x9003: "2020:02:03 04:05:06", 0xA002: 7, 0xA003: 5})
    exif.get_ifd(0x8825)[1] = "N"
    plain = saved(tmp_path / "a.jpg", Image.new("L", (7, 5)), exif=exif, comment=b"cells")
    content = plain.read_bytes()
    segment = jpeg._segment(b"\xff\xe1", jpeg._XMP + XMP)
    plain.write_bytes(content[:20] + segment + content[20:])

    source = jpeg.read_jpeg(plain)
    result = written(source.enlarged(np.zeros((14, 10), np.uint8), 2, "us"))

    kept = result.getexif()
    assert (kept[0x010F], kept[0x0112]) == ("Camera", 1)
    assert kept.get_ifd(0x8769)[0x9003] == "2020:02:03 04:05:06"
    assert (kept.get_ifd(0x8769)[0xA002], kept.get_ifd(0x8769)[0xA003]) == (10, 14)
    assert kept.get_ifd(0x8825)[1] == "N"
    assert result.info["comment"] == b"cells"
    assert source.extras.xmp == XMP.replace(b' tiff:Orientation="6"', b"")
    assert jpeg._XMP + source.extras.xmp in dict(result.applist)["APP1"] + b"".join(
        content for _, content in result.applist
    )


def test_broken_exif_is_left_out_and_told(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("L", (7, 5)), exif=b"Exif\0\0MM*nonsense")

    image = jpeg.read_jpeg(path)

    assert image.extras.exif is None
    assert image.notes == ("its damaged EXIF is left out",)


def test_a_jpeg_larger_than_pillow_allows_is_read(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.jpg", Image.new("L", (7, 5)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)

    assert jpeg.read_jpeg(path).pixels.shape == (5, 7)


def test_what_does_not_fit_into_memory_is_told_before(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.jpg", Image.new("L", (1024, 1024)))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 2**20}))

    with pytest.raises(
        FileError, match=r"1024 x 1024 px: it needs 2 MiB .* but only 1 MiB are free"
    ):
        jpeg.read_jpeg(path)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_off_anywhere_is_refused(tmp_path, random, progressive):
    pixels = random.integers(0, 255, (64, 48, 3), np.uint8)
    path = saved(tmp_path / "a.jpg", Image.fromarray(pixels), progressive=progressive)
    content = path.read_bytes()

    for length in (*range(8, len(content) - 20, 97), len(content) - 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"a\.jpg is damaged or cut off: its end") as told:
            jpeg.read_jpeg(path)
        assert "\n" not in str(told.value)


def test_zeros_after_the_end_do_no_harm(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("L", (7, 5)))
    path.write_bytes(path.read_bytes() + bytes(512))

    assert jpeg.read_jpeg(path).pixels.shape == (5, 7)


def test_samples_of_12_bits_are_not_called_damage(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("L", (7, 5)))
    content = path.read_bytes()
    at = content.index(b"\xff\xc0") + 4
    path.write_bytes(content[:at] + b"\x0c" + content[at + 1 :])

    with pytest.raises(FileError, match="has samples that are not 8 bits wide"):
        jpeg.read_jpeg(path)


@pytest.mark.parametrize(
    ("density", "fields"),
    [
        (Density(300, 200, "inch"), (1, (300, 200))),
        (Density(100, 50, "cm"), (1, (254, 127))),
        (Density(65_000, 65_000, "cm"), (2, (65_000, 65_000))),
        (Density(3, 2, ""), (0, (3, 2))),
        (Density(131_070, 65_535, ""), (0, (65_535, 32_768))),
    ],
)
def test_density_is_told_in_inches_centimetres_or_as_aspect(density, fields):
    image = ImageFile(np.zeros((2, 2), np.uint8), "YX", density)

    info = written(image).info

    assert (info["jfif_unit"], info["jfif_density"]) == fields
    assert jpeg.losses(image, 1) == []


def test_what_a_jpeg_cannot_say_is_told():
    texts = ((b"tEXt", b"Comment\0kept"), (b"iTXt", b"Author\0\0\0\0\0me"))
    extras = Extras(((b"gAMA", b"...."),), texts, bytes(70_000), b"<x/>")
    image = ImageFile(np.zeros((2, 2), np.uint8), "YX", Density(1e7, 1e7, "m"), extras=extras)

    lost = jpeg.losses(image, 2)

    assert lost == ["gAMA", "text 'Author'", "EXIF", "a resolution of 2e+07 per m"]
    assert written(image).info["comment"] == b"kept"
