"""Creating an OME-Zarr image, and opening it again to write more."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.write import OmeZarrWriter, create, open_writer

pytestmark = pytest.mark.needs("zarr")

LAYOUT = layout_of((300, 500), "uint16", "YX")
VERSIONS = ["0.5", "0.4"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_writer_is_opened_again_from_the_disk_alone(tmp_path, version):
    layout = layout_of((2, 300, 500, 3), "uint8", "TYXS")
    first = create(
        tmp_path / "a.zarr",
        layout,
        block=(128, 256),
        version=version,
        provenance={"model": "fsrcnn-x2", "sha256": "ab"},
    )

    second = open_writer(tmp_path / "a.zarr")

    assert isinstance(second, OmeZarrWriter)
    assert second.layout == first.layout == layout
    assert second.block == first.block == (128, 256)
    assert second.version == version
    assert second.provenance == {"model": "fsrcnn-x2", "sha256": "ab", "complete": False}
    assert [level.shape for level in second.levels] == [(2, 3, 300, 500), (2, 3, 150, 250)]


@pytest.mark.parametrize("version", VERSIONS)
def test_arrays_have_the_format_and_the_chunks_of_the_version(tmp_path, version):
    layout = layout_of((2, 4000, 5000), "float32", "CYX")
    writer = create(tmp_path / "a.zarr", layout, block=(2048, 2048), version=version)

    finest, coarsest = writer.levels[0], writer.levels[-1]
    assert finest.dtype == coarsest.dtype == np.float32
    assert coarsest.shape == (2, 125, 157)
    if version == "0.5":
        assert (finest.chunks, finest.shards) == ((1, 1024, 1024), (1, 2048, 2048))
        assert (writer.levels[5].shards, coarsest.shards) == ((1, 64, 64), (1, 64, 64))
        assert finest.metadata.dimension_names == ("c", "y", "x")
        assert not list(tmp_path.rglob(".z*"))
    else:
        assert (finest.chunks, finest.shards) == ((1, 1024, 1024), None)
        document = json.loads((tmp_path / "a.zarr" / "0" / ".zarray").read_text())
        assert document["dimension_separator"] == "/"
        assert document["compressor"]["id"] == "blosc"


def test_places_channels_and_name_reach_the_metadata(tmp_path):
    layout = layout_of((2, 300, 500), "uint16", "CYX")
    places = {"Y": Axis(0.5, 1.0, "micrometer"), "X": Axis(0.5, -1.0, "micrometer")}
    channels = [{"label": "DAPI", "color": "0000FF"}, {"label": "GFP", "color": "00FF00"}]

    create(
        tmp_path / "a.zarr",
        layout,
        block=(256, 256),
        places=places,
        channels=channels,
        name="cells",
    )

    ome = zarr.open_group(tmp_path / "a.zarr", mode="r").attrs["ome"]
    assert ome["multiscales"][0]["name"] == "cells"
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["DAPI", "GFP"]
    transforms = ome["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert [t.get("scale") or t["translation"] for t in transforms] == [
        [1.0, 0.5, 0.5],
        [0.0, 1.0, -1.0],
    ]


def test_what_is_there_is_kept_unless_it_may_be_overwritten(tmp_path):
    path = tmp_path / "a.zarr"
    create(path, LAYOUT, block=(256, 256)).write((), 0, 0, np.ones((256, 256), np.uint16))

    with pytest.raises(FileError, match=r"a\.zarr exists: give another name, or --overwrite"):
        create(path, LAYOUT, block=(256, 256))
    assert open_writer(path).has((), 0, 0)

    writer = create(path, LAYOUT, block=(256, 256), overwrite=True)
    assert not writer.has((), 0, 0)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


def test_a_folder_of_other_files_is_never_removed(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.png").write_text("")

    with pytest.raises(FileError, match="photos is not a Zarr image and is not overwritten"):
        create(tmp_path / "photos", LAYOUT, block=(256, 256), overwrite=True)

    assert (tmp_path / "photos" / "1.png").exists()


def test_nothing_is_created_if_the_metadata_are_refused(tmp_path):
    with pytest.raises(FileError, match="sizes above 0"):
        create(tmp_path / "a.zarr", LAYOUT, block=(256, 256), places={"X": Axis(-1.0)})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing/a.zarr", "file"])
def test_a_place_that_cannot_hold_a_folder_is_named(tmp_path, name):
    (tmp_path / "file").write_text("")

    with pytest.raises(FileError, match=r"there is no folder .*missing|file is a file, but OME-"):
        create(tmp_path / name, LAYOUT, block=(256, 256), overwrite=True)


def test_a_half_created_image_says_so_and_may_be_overwritten(tmp_path):
    path = tmp_path / "a.zarr"
    create(path, LAYOUT, block=(256, 256))
    (path / "1" / "zarr.json").unlink()

    with pytest.raises(FileError, match=r"a\.zarr was not created completely, or is damaged"):
        open_writer(path)

    create(path, LAYOUT, block=(256, 256), overwrite=True)


def test_only_images_that_create_made_are_opened(tmp_path):
    zarr.create_group(tmp_path / "other.zarr")

    for name in ("other.zarr", "missing.zarr"):
        with pytest.raises(FileError, match=f"{name} is not an OME-Zarr image that"):
            open_writer(tmp_path / name)


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "a.zarr").symlink_to(tmp_path / "disk", target_is_directory=True)

    create(tmp_path / "a.zarr", LAYOUT, block=(256, 256))
    create(tmp_path / "a.zarr", LAYOUT, block=(256, 256), overwrite=True)

    assert (tmp_path / "a.zarr").is_symlink()
    assert (tmp_path / "disk" / "zarr.json").is_file()
