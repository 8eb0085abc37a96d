"""Files are read by content and written by suffix, completely or not at all."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from napari_sr.files import formats, tiff_writer
from napari_sr.files.extras import Extras
from napari_sr.files.image import FileError, ImageFile

IMAGE = ImageFile(np.arange(24, dtype=np.uint8).reshape(4, 6), "YX")


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".tif", ".tiff", ".ome.tif"])
def test_a_written_file_is_read_back_and_alone_in_its_folder(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"

    formats.write(path, IMAGE)

    np.testing.assert_array_equal(formats.read(path).pixels, IMAGE.pixels)
    assert list(tmp_path.iterdir()) == [path]


def test_a_jpeg_is_written_and_read(tmp_path):
    formats.write(tmp_path / "a.jpeg", IMAGE)

    assert formats.read(tmp_path / "a.jpeg").pixels.shape == (4, 6)


def test_content_decides_how_a_file_is_read(tmp_path):
    formats.write(tmp_path / "a.tif", IMAGE)
    os.replace(tmp_path / "a.tif", tmp_path / "a.png")

    np.testing.assert_array_equal(formats.read(tmp_path / "a.png").pixels, IMAGE.pixels)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, r"there is no file .*a\.png"),
        (b"", r"a\.png is empty"),
        (b"hello, world", r"is not a PNG, JPEG or TIFF file: it begins with b'hello, w'"),
        (b"PK\x03\x04", r"a\.png is a ZIP archive: unpack it"),
        (b"II*\0", r"cannot be read as TIFF"),
        (b"\x89PNG\r\n\x1a\n", r"is damaged or cut off"),
        (b"\xff\xd8\xff", r"is damaged or cut off"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, content, what):
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)

    with pytest.raises(FileError, match=what):
        formats.read(tmp_path / "a.png")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need rights there")
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("folder", r"folder is a folder: give one image in it"),
        ("link to folder", r"link to folder is a folder: give one image in it"),
        ("link to nothing", r"link to nothing is a link to .*gone\.png, which does not exist"),
        ("pipe", r"pipe is a pipe or a device: save the image"),
        ("/dev/null", r"/dev/null is a pipe or a device: save the image"),
        ("-", r"images cannot be read from a pipe: save the image as a file first"),
        ("a" * 256, r"cannot be read: File name too long"),
        ("file/a.png", r"there is no file .*file/a\.png"),
    ],
)
def test_what_is_no_file_is_refused_with_what_to_do(tmp_path, monkeypatch, name, what):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    Path("link to folder").symlink_to("folder")
    Path("link to nothing").symlink_to("gone.png")
    os.mkfifo("pipe")

    with pytest.raises(FileError, match=what):
        formats.read(Path(name))


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"secret")

    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(FileError, match=r"a\.png cannot be read: Permission denied"):
        formats.read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.gif", r"a\.gif must end in one of \.png, \.jpg"),
        ("a", r"must end in one of"),
        ("absent/a.png", r"there is no folder .*absent"),
        ("folder.png", r"folder\.png is a folder"),
        ("source.png", r"source\.png is the image to upscale"),
        ("link.png", r"link\.png is the image to upscale"),
        ("there.png", r"there\.png exists: give another name, or --overwrite"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path, name, what):
    source = tmp_path / "source.png"
    for file in (source, tmp_path / "there.png"):
        file.touch()
    (tmp_path / "link.png").symlink_to(source)
    (tmp_path / "folder.png").mkdir()

    with pytest.raises(FileError, match=what):
        formats.check_target(tmp_path / name, source, overwrite=False)


def test_overwriting_spares_the_source_alone(tmp_path):
    source, other = tmp_path / "source.png", tmp_path / "other.png"
    source.touch()
    other.touch()

    formats.check_target(other, source, overwrite=True)

    with pytest.raises(FileError, match="is the image to upscale"):
        formats.check_target(source, source, overwrite=True)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_what_a_format_cannot_hold_is_refused_before(name):
    with pytest.raises(FileError, match="holds 8"):
        formats.check_holds(Path(name), ImageFile(np.zeros((2, 2), np.float32), "YX"), 2)


def test_what_a_tiff_will_lose_is_told_before():
    stack = ImageFile(np.zeros((3, 2, 2), np.uint8), "IYX", kind="imagej")

    assert len(formats.check_holds(Path("a.tif"), stack, 2)) == 1
    assert formats.check_holds(Path("a.png"), IMAGE, 2) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.png", []),
        ("a.jpg", ["a JPEG cannot hold gAMA, text 'Author'"]),
        ("a.tif", ["a TIFF cannot hold gAMA, text 'Author', EXIF"]),
    ],
)
def test_what_another_format_cannot_hold_of_a_png_is_told_before(name, told):
    extras = Extras(((b"gAMA", b"...."),), ((b"tEXt", b"Author\0me"),), b"MM")

    assert formats.check_holds(Path(name), replace(IMAGE, extras=extras), 2) == told


def test_a_tiff_that_is_not_compressed_needs_room_on_the_disk(tmp_path, monkeypatch):
    free = IMAGE.pixels.nbytes * 4
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=free))
    larger = replace(IMAGE, pixels=np.zeros((5, 6), np.uint8))
    grey_alpha = ImageFile(np.zeros((4, 3, 4), np.uint8), "YXS", grey_alpha=True)

    for image in (IMAGE, replace(larger, compression="zlib"), grey_alpha):
        formats.check_holds(tmp_path / "a.tif", image, 2)
    formats.check_holds(tmp_path / "a.png", larger, 2)
    with pytest.raises(
        FileError, match=r"a\.tif needs 0 MiB, but the disk of .* has only 0 MiB free"
    ):
        formats.check_holds(tmp_path / "a.tif", larger, 2)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_what_only_a_tiff_can_say_is_told_before(name):
    kind = name[2:].upper().replace("JPG", "JPEG")
    stack = replace(IMAGE, kind="ome", details={"PhysicalSizeX": 1.0})
    plain = replace(IMAGE, details={"description": "cells"})

    assert formats.check_holds(Path(name), stack, 2) == [f"a {kind} cannot hold OME metadata"]
    assert formats.check_holds(Path(name), plain, 2) == [f"a {kind} cannot hold description"]


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, error):
    path = tmp_path / "a.tif"
    path.write_bytes(b"old")

    def half_written(image, file, name):
        file.write(b"half")
        raise error

    monkeypatch.setattr(tiff_writer, "write_tiff", half_written)

    with pytest.raises((FileError, KeyboardInterrupt)):
        formats.write(path, IMAGE)

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (replace(IMAGE, tags={306: (2, 0, "2026")}), "its TIFF tags"),
        (replace(IMAGE, tags={33550: (12, 3, (1, 1, 1))}), "its georeference (GeoTIFF)"),
        (
            ImageFile(np.zeros((2, 2), np.uint16), "YX", significant_bits=12),
            "a bit depth of 12 (white stays at 4095)",
        ),
    ],
)
def test_what_only_a_tiff_can_say_is_told(image, told):
    assert formats.check_holds(Path("a.png"), image, 2) == [f"a PNG cannot hold {told}"]
    assert formats.check_holds(Path("a.tif"), image, 2) == []
