"""A PNG keeps depth, colour, alpha and metadata; images that it cannot hold are refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

from napari_sr.files import png
from napari_sr.files.image import Density, FileError, ImageFile
from napari_sr.files.png_chunks import SIGNATURE, framed

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SHAPES = {"grey": (5, 7), "grey and alpha": (5, 7, 2), "RGB": (5, 7, 3), "RGBA": (5, 7, 4)}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
         (1, 0, 2, 1))  # fmt: skip
"""First row, first column, and steps of the passes of an interlaced PNG."""


def stored(pixels, *chunks, header=None, interlaced=False):
    """Return a PNG of these pixels, with chunks before them; by the specification, unfiltered."""
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2] if pixels.ndim == 3 else 1]
    big = pixels.astype(pixels.dtype.newbyteorder(">"))
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    parts = [big[y::down, x::across] for y, x, down, across in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    height, width = pixels.shape[:2]
    told = header or (width, height, 8 * pixels.itemsize, kind, 0, 0, int(interlaced))
    return b"".join(
        [
            SIGNATURE,
            framed(b"IHDR", struct.pack(">IIBBBBB", *told)),
            *(framed(*chunk) for chunk in chunks),
            framed(b"IDAT", zlib.compress(rows)),
            framed(b"IEND", b""),
        ]
    )


def read(folder, content):
    (folder / "a.png").write_bytes(content)
    return png.read_png(folder / "a.png")


def written(image):
    buffer = io.BytesIO()
    png.write_png(image, buffer)
    return buffer.getvalue()


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

    image = png.read_png(tmp_path / "a.png")
    content = written(image)

    assert image.axes == ("YX" if len(shape) == 2 else "YXS")
    assert image.grey_alpha == (shape[-1] == 2)
    again = imagecodecs.png_decode(content)
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, pixels)


def test_a_png_keeps_density_profile_and_says_who_wrote_it():
    image = ImageFile(
        np.zeros((2, 3, 3), np.uint16), "YXS", Density(300, 200, "inch"), PROFILE, software="us"
    )
    buffer = io.BytesIO()

    png.write_png(image, buffer)

    again = Image.open(buffer)
    assert again.info["dpi"] == pytest.approx((300, 200), abs=0.02)  # whole pixels per metre
    assert again.info["icc_profile"] == PROFILE
    assert again.info["Software"] == "us"


def test_density_and_profile_of_a_png_are_read(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGB", (3, 2)), dpi=(300, 200), icc_profile=PROFILE)

    image = png.read_png(path)

    assert image.density.per("inch") == pytest.approx((300, 200), abs=0.02)
    assert image.profile == PROFILE


def test_a_palette_becomes_rgb_and_is_told(tmp_path, random):
    palette = Image.fromarray(noise(random, (5, 7, 3))).quantize(4)
    path = saved(tmp_path / "a.png", palette)

    image = png.read_png(path)

    np.testing.assert_array_equal(image.pixels, np.asarray(palette.convert("RGB")))
    assert image.notes == ("its palette was converted to RGB",)


def test_one_bit_becomes_black_and_white_of_8_bits(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(np.array([[True, False]])))

    image = png.read_png(path)

    assert image.pixels.tolist() == [[255, 0]]
    assert image.notes == ("its 1-bit grey was converted to 8 bits",)


def test_an_animation_is_refused(tmp_path):
    frames = [Image.new("L", (3, 2), value) for value in (0, 9)]
    path = saved(tmp_path / "a.png", frames[0], save_all=True, append_images=frames[1:])

    with pytest.raises(FileError, match=r"a\.png is an animation of 2 frames"):
        png.read_png(path)


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
        png.check_png(ImageFile(np.zeros(shape, dtype), axes), Path("a.png"), 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "shape", [(13, 11), (13, 11, 2), (13, 11, 3), (13, 11, 4), (1, 3)], ids=str
)
def test_an_interlaced_png_is_read_without_a_word(tmp_path, random, capfd, logged, shape, dtype):
    pixels = noise(random, shape, dtype)

    image = read(tmp_path, stored(pixels, interlaced=True))

    np.testing.assert_array_equal(image.as_shown(), pixels)
    assert capfd.readouterr() == ("", "")
    assert logged == []


def test_libraries_may_speak_of_other_threads_and_later(logged):
    import logging
    from threading import Thread

    logger = logging.getLogger("imagecodecs")
    with png._quiet():
        logger.warning("here")
        other = Thread(target=logger.warning, args=("elsewhere",))
        other.start()
        other.join()
    logger.warning("later")

    assert [record.getMessage() for record in logged] == ["elsewhere", "later"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_png_is_read_upright_with_its_density(tmp_path, random, orientation):
    pixels = noise(random, (5, 7))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif, dpi=(200, 100))

    image = png.read_png(tmp_path / "a.png")

    # where the first stored row and column are shown, as TIFF 6.0 says
    shown = {
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.T,
        6: pixels.T[:, ::-1], 7: pixels.T[::-1, ::-1], 8: pixels.T[::-1],
    }  # fmt: skip
    np.testing.assert_array_equal(image.pixels, shown[orientation])
    dots = (100, 200) if orientation > 4 else (200, 100)
    assert image.density.per("inch") == pytest.approx(dots, abs=0.02)
    again = Image.open(io.BytesIO(written(image)))
    assert again.getexif().get(0x0112, 1) == 1


def test_a_png_larger_than_pillow_allows_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)

    assert read(tmp_path, stored(np.ones((9, 9), np.uint8))).pixels.sum() == 81


def test_a_large_text_is_no_damage(tmp_path):
    text = b"tEXt", b"Notes\0" + b"x" * 1_200_000

    image = read(tmp_path, stored(np.ones((2, 2), np.uint8), text))

    assert image.extras.texts == (text,)
    assert b"x" * 1_200_000 in written(image)


def test_a_side_beyond_what_is_read_is_told(tmp_path):
    with pytest.raises(FileError, match=r"is 1000001 x 1 px, but PNGs are read only up to 1000000"):
        read(tmp_path, stored(np.ones((1, 1_000_001), np.uint8)))


def test_what_does_not_fit_into_memory_is_told_before(tmp_path, monkeypatch):
    content = stored(np.zeros((1000, 1000), np.uint8))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 2**20}))

    with pytest.raises(
        FileError, match=r"1000 x 1000 px: it needs 2 MiB .* but only 1 MiB are free"
    ):
        read(tmp_path, content)


def test_a_size_that_the_data_cannot_hold_is_damage(tmp_path):
    header = (900_000, 900_000, 16, 6, 0, 0, 0)

    with pytest.raises(FileError, match=r"damaged or cut off: its .* bytes of pixels are too few"):
        read(tmp_path, stored(np.ones((2, 2), np.uint8), header=header))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda png: png[:8] + png[33:], "damaged or cut off: its first chunk must be a header"),
        (lambda png: png[:8], "damaged or cut off: its first chunk must be a header"),
        (lambda png: png[:24] + b"\5" + png[25:], "its header must .* got 2 x 2 px, 5 bits"),
        (lambda png: png.replace(b"IDAT", b"IDAR"), "needs support for IDAR chunks"),
        (lambda png: png[:-14] + b"??" + png[-12:], "is damaged or cut off"),
    ],
)
def test_what_is_damaged_is_told_in_a_line(tmp_path, change, what):
    with pytest.raises(FileError, match=what) as told:
        read(tmp_path, change(stored(np.ones((2, 2), np.uint8))))
    assert "\n" not in str(told.value)


def test_a_png_without_its_end_is_read_where_its_pixels_are_complete(tmp_path, random):
    pixels = noise(random, (5, 7))

    image = read(tmp_path, stored(pixels)[:-7])

    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.notes == ("its end is missing, but its pixels are complete",)


def test_a_png_cut_off_anywhere_is_refused(tmp_path, random):
    path = saved(tmp_path / "a.png", Image.fromarray(noise(random, (64, 48, 3))))
    content = path.read_bytes()

    for length in range(8, len(content) - 20, 97):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"a\.png is damaged or cut off") as told:
            png.read_png(path)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("shape", "dtype", "key"),
    [((2, 2), np.uint8, (7,)), ((2, 2), np.uint16, (700,)), ((2, 2, 3), np.uint16, (1, 2, 3))],
)
def test_a_transparent_colour_becomes_alpha(tmp_path, shape, dtype, key):
    pixels = np.zeros(shape, dtype)
    pixels[1, 1] = key if len(key) > 1 else key[0]

    image = read(tmp_path, stored(pixels, (b"tRNS", struct.pack(f">{len(key)}H", *key))))

    opaque = np.iinfo(dtype).max
    assert image.pixels[..., 3].tolist() == [[opaque, opaque], [opaque, 0]]
    assert image.notes == ("its transparent colour became alpha",)


def test_a_png_has_as_many_pixels_a_side_as_libpng_takes():
    image = ImageFile(np.zeros((1, 300_000), np.uint8), "YX")

    png.check_png(image, Path("a.png"), 3)
    with pytest.raises(FileError, match="at most 1000000 px a side, not 1200000"):
        png.check_png(image, Path("a.png"), 4)


def test_a_resolution_of_unknown_unit_is_lost_and_others_are_not():
    pixels = np.zeros((2, 2), np.uint8)

    lost = [
        png.losses(ImageFile(pixels, "YX", density), 2)
        for density in (Density(2, 2, "spots"), Density(2, 1, ""), Density(9e6, 9e6, "m"), None)
    ]

    assert lost == [["a resolution of 4 per spots"], [], [], []]
    assert png.losses(ImageFile(pixels, "YX", Density(2e9, 2e9, "m")), 2) == [
        "a resolution of 4e+09 per m"
    ]
