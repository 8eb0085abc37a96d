"""Layers saved through napari, and opened again: in place, with the record."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image
from npe2 import PluginManager
from records import record_of

from napari_sr.files.image import FileError
from napari_sr.reader import get_reader
from napari_sr.runs.record import for_file, read_record
from napari_sr.writer import LostPlaceWarning, write_ome_tiff, write_ome_zarr

RECORD = record_of(source_path="/home/alice/cells.tif")
PLACE = {
    "scale": (2.0, 0.5, 0.25),
    "translate": (4.0, -1.5, 3.0),
    "units": ("um", "um", "um"),
    "axis_labels": ("z", "y", "x"),
}


@pytest.fixture
def pixels(random):
    return random.integers(0, 4096, (3, 20, 24)).astype(np.uint16)


@pytest.fixture
def viewer(pixels):
    """Return a viewer with a result."""
    viewer = ViewerModel()
    viewer.add_image(pixels, name="cells [x2]", metadata={"napari-sr": RECORD}, **PLACE)
    return viewer


@pytest.fixture
def plugins(monkeypatch):
    """Let napari see its own readers and writers and those of this checkout, and no others."""
    manager = PluginManager()
    manager.discover()
    own = {name for name in manager._manifests if name in ("napari", "napari-sr")}
    assert own == {"napari", "napari-sr"}
    monkeypatch.setattr(PluginManager, "instance", classmethod(lambda cls: manager))
    return manager


def opened(path):
    return [Image(data, **arguments) for data, arguments, _ in get_reader(str(path))(str(path))]


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr", "a.zarr"])
def test_a_result_saved_through_napari_keeps_place_and_record(
    viewer, pixels, tmp_path, plugins, name
):
    written = viewer.layers.save(str(tmp_path / name))

    assert written == [str(tmp_path / name)]
    (layer,) = opened(tmp_path / name)
    np.testing.assert_array_equal(layer.data, pixels)
    np.testing.assert_array_equal(layer.scale, PLACE["scale"])
    np.testing.assert_array_equal(layer.translate, PLACE["translate"])
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert (layer.name, layer.axis_labels) == ("cells [x2]", ("z", "y", "x"))
    expected = for_file(RECORD)
    found = {key: layer.metadata["napari-sr"].get(key) for key in expected}
    assert found == expected
    assert read_record(tmp_path / name)["model"] == "fsrcnn-x2"
    assert "alice" not in json.dumps(read_record(tmp_path / name))


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a"])
def test_plain_formats_stay_with_napari(plugins, name):
    writer, _ = plugins.get_writer(name, ["image"])

    assert writer.command == "napari.write_image"


@pytest.mark.needs("zarr")
def test_several_layers_become_named_channels(tmp_path, pixels):
    layers = [
        Image(pixels[0], name="DAPI", colormap="blue", contrast_limits=(5, 900)),
        Image(pixels[1], name="actin", colormap="green", metadata={"napari-sr": RECORD}),
    ]

    for path, write in (
        (tmp_path / "a.ome.tif", write_ome_tiff),
        (tmp_path / "b.ome.zarr", write_ome_zarr),
    ):
        write(str(path), [layer.as_layer_data_tuple() for layer in layers])

        first, second = opened(path)
        assert [first.name, second.name] == [f"{path.name[0]} DAPI", f"{path.name[0]} actin"]
        np.testing.assert_array_equal(first.data, pixels[0])
        np.testing.assert_array_equal(second.data, pixels[1])
        np.testing.assert_allclose(first.colormap.map(1.0).ravel()[:3], (0, 0, 1))
        assert first.metadata == {}  # not all of them are results
    assert tuple(first.contrast_limits) == (5, 900)


def test_each_channel_keeps_its_own_record(tmp_path, pixels):
    layers = [
        Image(pixels[at], name=name, metadata={"napari-sr": record_of(source=name)})
        for at, name in enumerate(("a", "b"))
    ]

    write_ome_tiff(str(tmp_path / "x.ome.tif"), [one.as_layer_data_tuple() for one in layers])

    records = [layer.metadata["napari-sr"]["source"] for layer in opened(tmp_path / "x.ome.tif")]
    assert records == ["a", "b"]


def test_rgb_levels_and_a_missing_suffix(tmp_path, random):
    pixels = random.integers(0, 255, (40, 48, 3), np.uint8)
    layer = Image([pixels, pixels[::2, ::2]], multiscale=True, rgb=True, name="tissue")

    (written,) = write_ome_tiff(str(tmp_path / "tissue"), [layer.as_layer_data_tuple()])

    assert written.endswith("tissue.ome.tif")
    (again,) = opened(written)
    assert again.rgb
    np.testing.assert_array_equal(again.data, pixels)
    with tifffile.TiffFile(written) as file:
        assert [level.shape for level in file.series[0].levels] == [(40, 48, 3), (20, 24, 3)]


@pytest.mark.parametrize(
    ("data", "changes", "message"),
    [
        (np.zeros((4, 5), bool), {}, "not bool"),
        (np.zeros((4, 5), np.int64), {}, "not int64"),
        (np.zeros((2, 4, 5)), {"axis_labels": ("angle", "y", "x")}, "a has angle before Y and X"),
        (np.zeros((4, 5)), {"scale": (-1, 1)}, "the layer a has -1, 1"),
    ],
)
def test_what_no_file_can_hold_is_refused(tmp_path, data, changes, message):
    layer = (data, {"name": "a", **changes}, "image")

    with pytest.raises(FileError, match=message):
        write_ome_tiff(str(tmp_path / "a.ome.tif"), [layer])
    assert not list(tmp_path.iterdir())


def test_layers_that_do_not_fit_are_no_channels(tmp_path, pixels):
    layers = [(pixels, {"name": "a"}, "image"), (pixels[:2], {"name": "b"}, "image")]

    with pytest.raises(FileError, match=r"b is uint16 \(2, 20, 24\), and a is uint16 \(3"):
        write_ome_tiff(str(tmp_path / "a.ome.tif"), layers)


@pytest.mark.needs("zarr")
def test_a_folder_is_never_replaced(tmp_path, pixels):
    layer = [(pixels, {"name": "a"}, "image")]
    write_ome_zarr(str(tmp_path / "a.zarr"), layer)

    with pytest.raises(FileError, match="exists"):
        write_ome_zarr(str(tmp_path / "a.zarr"), layer)


def test_a_lost_rotation_is_told(tmp_path, pixels):
    layer = Image(pixels[0], rotate=30, shear=[0.2], name="turned")

    with pytest.warns(LostPlaceWarning, match="rotation and shear of the layer turned"):
        write_ome_tiff(str(tmp_path / "a.ome.tif"), [layer.as_layer_data_tuple()])
