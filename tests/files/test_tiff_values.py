"""Stored values of a part have the same meaning as those of the whole image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files.tiff_details import stored_details
from napari_sr.files.tiff_reader import opened
from napari_sr.files.tiff_values import meaning_of


def meaning(path, pixels, **options):
    tifffile.imwrite(path, pixels, **options)
    with opened(path, []) as chosen:
        return meaning_of(chosen, stored_details(chosen))


def test_a_part_is_converted_as_the_whole_is(tmp_path):
    pixels = np.arange(35).reshape(5, 7).astype(np.uint8)
    found = meaning(tmp_path / "a.tif", pixels, photometric="miniswhite")

    part = found.shown(pixels[1:3, 2:4])

    np.testing.assert_array_equal(part.pixels, 255 - pixels[1:3, 2:4])
    assert (found.axes, found.photometric, found.orientation) == ("YX", "MINISWHITE", 1)


def test_the_no_data_value_of_floats_is_nan(tmp_path):
    pixels = np.arange(35).reshape(5, 7).astype(np.float32)
    tag = (42113, "s", 0, "3", True)
    found = meaning(tmp_path / "a.tif", pixels, extratags=[tag])

    assert np.isnan(found.shown(pixels).pixels).sum() == 1


def test_a_part_has_the_palettes_of_its_pages(tmp_path):
    pixels = np.ones((2, 3), np.uint8)
    tables = [np.full((3, 256), value << 8, np.uint16) for value in (5, 9)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for table in tables:
            writer.write(pixels, photometric="palette", colormap=table, metadata=None)
    with opened(tmp_path / "a.tif", []) as chosen:
        found = meaning_of(chosen, {})

    part = found.shown(pixels[None], found.palettes[1:])

    assert part.axes[-1] == "S"
    assert (part.pixels == 9).all()


def test_an_image_needs_rows_and_columns(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 7), np.uint8))
    with opened(tmp_path / "a.tif", []) as chosen:
        series = tifffile.TiffPageSeries(list(chosen.series), (5, 7), np.dtype("u1"), "YQ")
        other = type(chosen)(chosen.file, chosen.source, series)
        with pytest.raises(ValueError, match="axes Y and X, got axes YQ"):
            meaning_of(other, {})
