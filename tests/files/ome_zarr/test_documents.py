from __future__ import annotations

import pytest
from zarrs import array_2, group_2, group_3, write_json

from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.documents import read_node


def test_a_group_of_zarr_2_has_its_attributes(tmp_path):
    node = read_node(group_2(tmp_path, multiscales=[1]))

    assert (node.kind, node.zarr_format, node.path) == ("group", 2, tmp_path)
    assert node.ome == node.attributes == {"multiscales": [1]}


def test_a_group_of_zarr_3_has_what_ome_zarr_defines_apart(tmp_path):
    node = read_node(group_3(tmp_path, multiscales=[1]))

    assert (node.kind, node.zarr_format) == ("group", 3)
    assert node.ome == {"version": "0.5", "multiscales": [1]}
    assert node.attributes == {"ome": node.ome}


def test_an_array_of_zarr_2_is_known_by_its_document(tmp_path, random):
    node = read_node(array_2(tmp_path, random.random((4, 4)), (2, 2)))

    assert (node.kind, node.attributes) == ("array", {})
    assert b'"chunks": [2, 2]' in node.document


def test_an_array_of_zarr_3_is_known_by_its_document(tmp_path):
    write_json(tmp_path / "zarr.json", {"zarr_format": 3, "node_type": "array"})

    assert read_node(tmp_path).kind == "array"


def test_another_folder_is_no_node(tmp_path):
    assert read_node(tmp_path) is None
    assert read_node(tmp_path / "missing") is None


@pytest.mark.parametrize("content", ["{", "[1, 2]", "", "\x00"])
@pytest.mark.parametrize("name", ["zarr.json", ".zattrs"])
def test_a_damaged_document_is_named(tmp_path, name, content):
    (tmp_path / name).write_text(content)

    with pytest.raises(FileError, match=rf"{name} is damaged: "):
        read_node(tmp_path)
