"""Finding the image in a folder, or saying what else the folder holds."""

from __future__ import annotations

import re

import numpy as np
import pytest
from zarrs import array_2, group_2, group_3, multiscales

from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.locate import find_image, is_zarr

IMAGE = multiscales("yx", [1, 1])


@pytest.mark.parametrize("group", [group_2, group_3])
def test_an_image_is_itself(tmp_path, group):
    assert find_image(group(tmp_path, multiscales=IMAGE)).path == tmp_path
    assert is_zarr(tmp_path)


def test_the_only_series_of_bioformats2raw_is_the_image(tmp_path):
    group_2(tmp_path, **{"bioformats2raw.layout": 3})
    group_2(tmp_path / "OME", series=["0"])
    group_2(tmp_path / "0", multiscales=IMAGE)

    assert find_image(tmp_path).path == tmp_path / "0"


@pytest.mark.parametrize("group", [group_2, group_3])
def test_several_series_are_listed_in_their_order(tmp_path, group):
    group(tmp_path, **{"bioformats2raw.layout": 3})
    for number in range(12):
        group(tmp_path / str(number), multiscales=IMAGE)

    listed = "holds 12 images (0, 1, 2, 3, 4, 5, 6, 7, 4 more): give the folder of one, such as "
    with pytest.raises(FileError, match=re.escape(f"{listed}{tmp_path / '0'}")):
        find_image(tmp_path)


def test_the_only_array_of_a_plain_group_is_the_image(tmp_path):
    array_2(group_2(tmp_path) / "raw", np.zeros((4, 4)), (4, 4))

    assert find_image(tmp_path).path == tmp_path / "raw"


def test_several_arrays_are_listed(tmp_path):
    for name in ("raw", "denoised"):
        array_2(group_2(tmp_path) / name, np.zeros((4, 4)), (4, 4))

    with pytest.raises(FileError, match=r"holds 2 arrays \(denoised, raw\)"):
        find_image(tmp_path)


@pytest.mark.parametrize("group", [group_2, group_3])
def test_a_plate_says_which_wells_and_fields_it_has(tmp_path, group):
    group(tmp_path, plate={"wells": [{"path": "A/1"}, {"path": "B/3"}]})
    group(tmp_path / "A" / "1", well={"images": [{"path": "0"}, {"path": "1"}]})

    message = "a plate of 2 wells (A/1, B/3), each with 2 fields (0, 1): give the folder of one "
    message += f"field, such as {tmp_path / 'A' / '1' / '0'}"
    with pytest.raises(FileError, match=re.escape(message)):
        find_image(tmp_path)


def test_the_fields_of_a_well_are_listed_and_one_is_opened(tmp_path):
    group_2(tmp_path, well={"images": [{"path": "0"}, {"path": "1"}]})
    group_2(tmp_path / "1", multiscales=IMAGE)

    assert find_image(tmp_path).path == tmp_path / "1"
    group_2(tmp_path / "0", multiscales=IMAGE)
    with pytest.raises(FileError, match=r"holds 2 fields \(0, 1\)"):
        find_image(tmp_path)


def test_labels_are_no_image(tmp_path):
    labels = {"multiscales": IMAGE, "image-label": {}}
    group_2(tmp_path / "image" / "labels" / "cells", **labels)
    group_2(tmp_path / "image" / "labels", labels=["cells"])
    group_2(tmp_path / "image")

    for folder in ("image", "image/labels", "image/labels/cells"):
        with pytest.raises(FileError, match="holds labels and no image"):
            find_image(tmp_path / folder)


def test_a_group_without_an_image_says_so(tmp_path):
    with pytest.raises(FileError, match="is a Zarr group without an image"):
        find_image(group_3(tmp_path))


def test_what_is_no_folder_or_no_zarr_is_named(tmp_path):
    (tmp_path / "a.zarr").write_text("")
    (tmp_path / "lost.zarr").symlink_to(tmp_path / "gone")

    for name, message in [
        ("a.zarr", "a.zarr is a file, but a Zarr image is a folder"),
        ("b.zarr", "there is no folder .*b.zarr"),
        ("lost.zarr", "lost.zarr is a link to .*gone, which does not exist"),
        (".", "is not a Zarr image: it holds neither zarr.json nor .zarray nor .zgroup"),
    ]:
        with pytest.raises(FileError, match=message):
            find_image(tmp_path / name)
        assert not is_zarr(tmp_path / name)
