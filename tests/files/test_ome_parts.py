"""OME-TIFFs in several files: existing planes are read, files outside the folder are not."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile

from napari_sr.files.image import FileError
from napari_sr.files.tiff_reader import read_tiff

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
)


def xml_of(parts, **sizes):
    told = {"X": 7, "Y": 5, "Z": 1, "C": 1, "T": 1, **sizes}
    sizes = " ".join(f'Size{letter}="{size}"' for letter, size in told.items())
    names = "".join(f'<Channel ID="Channel:0:{i}" Name="dye {i}"/>' for i in range(2))
    return (
        f'{HEAD}<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" {sizes}>'
        f"{names}{parts}</Pixels></Image></OME>"
    )


def part(position, name, number, axis="C"):
    return (
        f'<TiffData First{axis}="{position}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{name}">urn:uuid:{number}</UUID></TiffData>'
    )


def saved(path, xml, pages=1):
    pixels = np.arange(1, pages + 1, dtype=np.uint16)[:, None, None] * np.ones((5, 7), np.uint16)
    tifffile.imwrite(
        path, pixels, photometric="minisblack", metadata=None, description=xml.encode()
    )
    return path


@pytest.fixture
def first(tmp_path):
    """Return the first of two files, which name each other; the second is not there yet."""
    xml = xml_of(part(0, "b.ome.tif", 2) + part(1, "a.ome.tif", 1), C=2)
    return saved(tmp_path / "a.ome.tif", xml)


def test_a_missing_file_is_named_and_its_planes_are_not_made_up(first):
    image = read_tiff(first)

    assert (image.axes, image.pixels.shape) == ("YX", (5, 7))
    assert image.pixels.min() == 1
    assert image.details["Channel"] == {"Name": ["dye 1"]}
    assert image.notes == (
        "another file of this image is missing: b.ome.tif",
        "1 of its 2 planes are missing; those at C 1 are read",
    )


def test_the_other_file_beside_it_is_read(first):
    saved(first.with_name("b.ome.tif"), "")

    image = read_tiff(first)

    assert (image.axes, image.pixels.shape, image.notes) == ("CYX", (2, 5, 7), ())


def test_an_acquisition_that_stopped_early_is_read_up_to_there(tmp_path):
    path = saved(tmp_path / "a.ome.tif", xml_of("<TiffData/>", C=2, T=4), pages=5)

    image = read_tiff(path)

    assert (image.axes, image.pixels.shape) == ("TCYX", (2, 2, 5, 7))
    assert image.pixels[..., 0, 0].tolist() == [[1, 2], [3, 4]]
    assert image.notes == (
        "3 of its 8 planes are missing, and 1 others are left out with them; those at T 0 to 1 are "
        "read",
    )


def test_gaps_in_the_middle_are_left_out(tmp_path):
    parts = "".join(
        f'<TiffData FirstT="{time}" IFD="{page}" PlaneCount="1"/>'
        for page, time in enumerate((0, 1, 3, 6))
    )
    path = saved(tmp_path / "a.ome.tif", xml_of(parts, T=7), pages=4)

    image = read_tiff(path)

    assert image.pixels[:, 0, 0].tolist() == [1, 2, 3, 4]
    assert image.notes == ("3 of its 7 planes are missing; those at T 0 to 1, 3, 6 are read",)


@pytest.mark.parametrize("name", ["../b.ome.tif", "{absolute}", "sub/../../b.ome.tif", "link"])
def test_files_outside_of_the_folder_are_never_opened(tmp_path, name):
    outside = saved(tmp_path / "b.ome.tif", "")
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    os.symlink(outside, folder / "link")
    name = name.format(absolute=outside)
    path = saved(folder / "a.ome.tif", xml_of(part(0, name, 2) + part(1, name, 2), C=2))

    with pytest.raises(FileError, match=r"name the file '.*', which is outside its folder"):
        read_tiff(path)


def test_a_file_in_a_folder_below_is_read(tmp_path):
    (tmp_path / "sub").mkdir()
    saved(tmp_path / "sub" / "b.ome.tif", "")
    xml = xml_of('<TiffData FirstC="0" IFD="0"/>' + part(1, "sub/b.ome.tif", 2), C=2)

    assert read_tiff(saved(tmp_path / "a.ome.tif", xml)).pixels.shape == (2, 5, 7)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_part(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    path = saved(tmp_path / "a.ome.tif", xml_of(part(0, "pipe", 2)))

    with pytest.raises(FileError, match="name 'pipe', which is not a regular file"):
        read_tiff(path)


@pytest.mark.parametrize(
    ("parts", "sizes", "told"),
    [
        ("<TiffData/>", {"T": 1_000_000}, "claim 1000000 planes"),
        ("<TiffData/>", {"T": 10**9, "C": 10**6}, "claim 1000000000000000 planes"),
        ('<TiffData IFD="0" PlaneCount="1000000000"/>', {}, "claim 1000000000 planes"),
        ('<TiffData IFD="0" PlaneCount="-7"/>', {}, "number of planes of at least 0, got -7"),
        ("<TiffData/>", {"T": -1}, r"sizes Z, C, T .* got \[1, 1, -1\]"),
        ("<TiffData/>", {"T": "some"}, "give SizeT as a whole number, got 'some'"),
    ],
)
def test_planes_that_the_files_cannot_hold_are_refused(tmp_path, parts, sizes, told):
    path = saved(tmp_path / "a.ome.tif", xml_of(parts, **sizes))

    with pytest.raises(FileError, match=told):
        read_tiff(path)


def test_a_part_of_an_image_that_another_file_describes_is_read_alone(tmp_path):
    xml = (
        f'{HEAD[: -len("<Image ID=|Image:0|>")]}<BinaryOnly MetadataFile="a.companion.ome"/></OME>'
    )
    path = saved(tmp_path / "a.ome.tif", xml, pages=3)

    image = read_tiff(path)

    assert image.pixels.shape == (3, 5, 7)
    assert image.notes == (
        "it is a part of an image that a.companion.ome describes; only this file is read",
    )


def test_a_part_whose_pages_form_a_loop_is_not_opened(first):
    other = saved(first.with_name("b.ome.tif"), "")
    content = bytearray(other.read_bytes())
    count = int.from_bytes(content[8:10], "little")
    content[10 + 12 * count : 14 + 12 * count] = (8).to_bytes(4, "little")
    other.write_bytes(content)

    with pytest.raises(FileError, match="form a loop"):
        read_tiff(first)


def test_a_part_that_is_no_tiff_is_told(first):
    first.with_name("b.ome.tif").write_text("no image")

    with pytest.raises(FileError, match=r"b\.ome\.tif is not a TIFF file: it begins with b'no i'"):
        read_tiff(first)


def test_a_part_that_is_cut_off_is_refused(first):
    other = saved(first.with_name("b.ome.tif"), "")
    other.write_bytes(other.read_bytes()[:-20])

    with pytest.raises(FileError, match="its pixels should end at byte"):
        read_tiff(first)
