"""Tags that are not about pixels are written to the result; notes name the others."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_sr.files.tiff_reader import read_tiff
from napari_sr.files.tiff_writer import write_tiff


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def tagged(path, tags, dtype=np.uint8, **options):
    tifffile.imwrite(path, np.ones((5, 7), dtype), extratags=tags, metadata=None, **options)
    return read_tiff(path)


def enlarged(image):
    return image.enlarged(np.ones((10, 14), image.pixels.dtype), 2, "us")


def written(path, image):
    write_tiff(image, path, path)
    with tifffile.TiffFile(path) as file:
        return {tag.code: tag.value for tag in file.pages.first.tags.values()}


TEXTS = {269: "slide 7", 271: "Zeiss", 306: "2026:01:02 03:04:05", 315: "Ann", 33432: "nobody's"}


def test_date_artist_and_other_words_are_kept(path):
    image = tagged(path, [(code, 2, 0, text, True) for code, text in TEXTS.items()])

    tags = written(path, enlarged(image))

    assert image.notes == ()
    assert {code: tags[code] for code in TEXTS} == TEXTS


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_a_place_on_the_ground_is_kept_and_its_pixels_shrink(tmp_path, name):
    tags = [
        (33550, 12, 3, (3.0, 2.0, 0.0), True),
        (33922, 12, 6, (0.0, 0.0, 0.0, 1e5, 4e6, 0.0), True),
        (34735, 3, 8, (1, 1, 0, 1, 1025, 0, 1, 1), True),
        (34737, 2, 0, "WGS 84|", True),
        (42112, 2, 0, "<GDALMetadata/>", True),
    ]
    image = tagged(tmp_path / "in.tif", tags)

    found = written(tmp_path / name, enlarged(image))

    assert image.notes == ()
    assert found[33550] == (1.5, 1.0, 0.0)
    assert found[33922] == (0.0, 0.0, 0.0, 1e5, 4e6, 0.0)
    assert found[34737] == "WGS 84|"
    assert found[42112] == "<GDALMetadata/>"


def test_floats_of_no_data_are_nan_until_they_are_written(path):
    stored = np.array([[-9999, 0.5], [0.25, -9999]], np.float32)
    tifffile.imwrite(path, stored, extratags=[(42113, 2, 0, "-9999", True)], metadata=None)

    image = read_tiff(path)
    write_tiff(image, path, path)

    np.testing.assert_array_equal(image.pixels, np.where(stored == -9999, np.nan, stored))
    np.testing.assert_array_equal(tifffile.imread(path), stored)


def test_integers_of_no_data_are_told(path):
    image = tagged(path, [(42113, 2, 0, "0", True)], np.uint16)

    assert image.notes == ("its no-data value (0) is upscaled like any other value",)


def test_a_place_is_left_out_where_pixels_were_turned(path):
    image = tagged(path, [(274, 3, 1, 6, True), (33550, 12, 3, (3.0, 2.0, 0.0), True)])

    assert image.tags == {}
    assert image.notes == (
        "its georeference (GeoTIFF) is left out, because its pixels were rotated or flipped",
    )


def test_exif_and_private_tags_are_told(path):
    pixels = Image.fromarray(np.zeros((5, 7), np.uint8))
    pixels.save(path, tiffinfo={700: b"<x:xmpmeta/>", 65123: "private"})
    assert "its metadata XMP and tag 65123 are left out" in read_tiff(path).notes

    exif, photo = Image.Exif(), io.BytesIO()
    exif[34665] = {33434: 0.01}
    pixels.save(photo, "JPEG", exif=exif)
    pixels.save(path, exif=Image.open(photo).getexif())
    assert "its metadata EXIF are left out" in read_tiff(path).notes


def test_usual_files_have_nothing_to_tell(path):
    for options in ({}, {"imagej": True}, {"ome": True}, {"tile": (16, 16), "compression": "zlib"}):
        tifffile.imwrite(path, np.ones((5, 7), np.uint8), resolution=(3, 3), **options)
        assert read_tiff(path).notes == ()
