"""Float channels without a display range get that of their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.ome_zarr.read import open_ome_zarr
from napari_sr.files.ome_zarr.write import create

pytestmark = pytest.mark.needs("zarr")

KNOWN = {"min": 0.0, "max": 9.0, "start": 2.0, "end": 5.0}


def windows(path, pixels, version, channels):
    layout = layout_of(pixels.shape, pixels.dtype, "ZCYX")
    writer = create(path, layout, block=(64, 64), channels=channels, version=version)
    for plane, row, column in writer.blocks():
        writer.write(plane, row, column, pixels[plane])
    writer.finish()
    return [one["window"] for one in open_ome_zarr(path).channels]


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_a_float_channel_is_shown_in_the_range_of_its_values(tmp_path, version):
    pixels = np.zeros((2, 3, 40, 50), np.float32)
    pixels[1, 0, 5, 6], pixels[0, 0, 5, 6], pixels[0, 0, 7, 7] = 1087.5, -3.0, np.nan
    channels = [{"label": "DAPI"}, {"label": "GFP", "window": KNOWN}, {"label": "flat"}]

    first, second, third = windows(tmp_path / "a.zarr", pixels, version, channels)

    assert first == {"min": -3.0, "max": 1087.5, "start": -3.0, "end": 1087.5}
    assert second == KNOWN
    assert third == {"min": 0.0, "max": 1.0, "start": 0.0, "end": 1.0}


def test_an_integer_channel_is_shown_in_the_range_of_its_type(tmp_path):
    pixels = np.full((1, 1, 40, 50), 7, np.uint8)

    (window,) = windows(tmp_path / "a.zarr", pixels, "0.5", [{"label": "DAPI"}])

    assert window == {"min": 0.0, "max": 255.0, "start": 0.0, "end": 255.0}
