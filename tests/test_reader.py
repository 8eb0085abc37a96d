"""Folders of OME-Zarr as layers of napari."""

from __future__ import annotations

import npe2
import numpy as np
import pytest
import zarrs
from napari.layers import Layer
from npe2 import PluginManager, PluginManifest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.write import create
from napari_sr.reader import get_reader, read

pytestmark = pytest.mark.needs("zarr")

PLACES = {
    "Z": Axis(3.0, 10.0, "micrometer"),
    "Y": Axis(0.5, -0.25, "micrometer"),
    "X": Axis(0.5, 7.0, "micrometer"),
}


def folder_of(path, pixels, axes, **more):
    """Write an image as one block; return the path as napari gives it."""
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    writer = create(path, layout, block=(512, 512), **more)
    for plane, row, column in writer.blocks():
        writer.write(plane, row, column, layout.read(pixels, plane))
    writer.finish()
    return str(path)


def test_a_layer_lies_where_the_folder_says(tmp_path, random):
    pixels = random.integers(0, 255, (2, 300, 280), np.uint8)
    path = folder_of(tmp_path / "a.zarr", pixels, "ZYX", places=PLACES, name="cells")

    (data,) = get_reader(path)(path)
    layer = Layer.create(*data)

    assert layer.name == "cells"
    assert layer.multiscale
    np.testing.assert_array_equal(layer.data[0], pixels)
    np.testing.assert_array_equal(layer.scale, [3, 0.5, 0.5])
    np.testing.assert_array_equal(layer.translate, [10, -0.25, 7])
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert layer.axis_labels == ("z", "y", "x")


def test_channels_are_layers_with_names_colours_and_limits(tmp_path, random):
    pixels = random.integers(0, 4095, (2, 20, 30)).astype(np.uint16)
    channels = [
        {"label": "DAPI", "color": "0000FF", "window": {"start": 5, "end": 900}, "active": False},
        {"label": "actin", "color": "12AB34"},
    ]
    path = folder_of(tmp_path / "a.zarr", pixels, "CYX", channels=channels, name="cells")

    first, second = (Layer.create(*data) for data in read(path))

    assert (first.name, second.name) == ("cells DAPI", "cells actin")
    np.testing.assert_array_equal(first.data, pixels[0])
    np.testing.assert_array_equal(second.data, pixels[1])
    assert first.colormap.name == "blue"
    assert tuple(first.contrast_limits) == (5, 900)
    assert (first.visible, second.visible) == (False, True)
    np.testing.assert_allclose(second.colormap.colors[-1][:3], [0x12 / 255, 0xAB / 255, 0x34 / 255])
    assert second.blending == "additive"


def test_colours_are_one_layer(tmp_path, random):
    pixels = random.integers(0, 255, (20, 30, 3), np.uint8)
    path = folder_of(tmp_path / "a.zarr", pixels, "YXS")

    (data,) = read(path)
    layer = Layer.create(*data)

    assert layer.rgb
    np.testing.assert_array_equal(layer.data, pixels)


def test_what_others_wrote_without_places_is_read(tmp_path):
    folder = zarrs.group_2(tmp_path / "a.zarr")
    zarrs.array_2(folder / "s0", np.arange(24.0).reshape(4, 6), (2, 3), separator="/")
    described = zarrs.multiscales("yx", [2, 2], path="s0", units={"y": "furlong", "x": "furlong"})
    zarrs.write_json(folder / ".zattrs", {"multiscales": described})

    (data,) = read(str(folder))
    layer = Layer.create(*data)

    assert not layer.multiscale
    assert [str(unit) for unit in layer.units] == ["pixel"] * 2
    np.testing.assert_array_equal(layer.scale, [2, 2])


@pytest.mark.parametrize("kind", ["folder", "file", "several", "plate"])
def test_other_paths_are_left_to_other_readers(tmp_path, kind):
    path = tmp_path / "a.zarr"
    if kind == "file":
        path.write_text("nothing")
    elif kind == "plate":
        zarrs.group_3(path, plate={"wells": []})
    else:
        path.mkdir()

    assert get_reader([str(path)] if kind == "several" else str(path)) is None


def test_npe2_leaves_other_folders_to_other_readers(tmp_path, random, monkeypatch):
    """For a folder, npe2 tries all readers of folders: patterns of names do not count there."""
    manager = PluginManager()
    manager.register(PluginManifest.from_distribution("napari-sr"))
    monkeypatch.setattr(PluginManager, "instance", classmethod(lambda cls: manager))
    path = folder_of(tmp_path / "a.zarr", random.integers(0, 255, (20, 30), np.uint8), "YX")
    (tmp_path / "photographs").mkdir()

    ((levels, arguments, kind),) = npe2.read([path], stack=False)

    assert (levels.shape, arguments["name"], kind) == ((20, 30), "a", "image")
    with pytest.raises(ValueError, match="refused the file"):
        npe2.read([str(tmp_path / "photographs")], stack=False, plugin_name="napari-sr")
