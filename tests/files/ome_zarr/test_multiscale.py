"""Levels, axes and positions as other programs write them."""

from __future__ import annotations

import pytest
from zarrs import array_2, axes_named, group_2, group_3, multiscales

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.documents import read_node
from napari_sr.files.ome_zarr.multiscale import (
    described,
    image_around,
    letters_of,
    level_path,
    multiscale_name,
)


def node_of(folder, stored, group=group_2):
    return read_node(group(folder, multiscales=stored))


@pytest.mark.parametrize("group", [group_2, group_3])
def test_scale_and_translation_of_a_level_are_its_places(tmp_path, group):
    units = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
    numbers = {"scale": [2, 1, 0.5, 0.2, 0.1], "translation": [10, 0, -1, 3, 4]}
    node = node_of(tmp_path, multiscales("tczyx", **numbers, units=units), group)

    told = described(node, 0, 5)

    assert told.letters == "TCZYX"
    assert told.notes == ()
    assert told.places == (
        Axis(2, 10, "second"),
        Axis(1, 0, ""),
        Axis(0.5, -1, "micrometer"),
        Axis(0.2, 3, "micrometer"),
        Axis(0.1, 4, "micrometer"),
    )


def test_transformations_of_the_pyramid_come_after_those_of_the_level(tmp_path):
    whole = [{"type": "scale", "scale": [2, 10]}, {"type": "translation", "translation": [7, 8]}]
    level = {"scale": [0.5, 3], "translation": [1, 2]}
    node = node_of(tmp_path, multiscales("yx", **level, coordinateTransformations=whole))

    assert described(node, 0, 2).places == (Axis(1, 9), Axis(30, 28))


def test_a_missing_pixel_size_is_a_note(tmp_path):
    node = node_of(tmp_path, [{"axes": axes_named("yx"), "datasets": [{"path": "0"}]}])

    told = described(node, 0, 2)

    assert (told.letters, told.places) == ("YX", None)
    assert told.notes == (f"{tmp_path} names no pixel size: 1 is assumed",)


def test_a_pixel_size_of_zero_is_a_note(tmp_path):
    told = described(node_of(tmp_path, multiscales("yx", [0, 0.5])), 0, 2)

    assert told.places == (Axis(1), Axis(0.5))
    assert told.notes == (f"{tmp_path} names a pixel size of 0: 1 is assumed",)


@pytest.mark.parametrize(
    "transform",
    [
        {"type": "scale", "scale": [1, 2, 3]},
        {"type": "scale", "scale": [1, "x"]},
        {"type": "scale", "path": "scales"},
        {"type": "scale", "scale": [1, float("inf")]},
        {"type": "affine", "affine": [[1, 0], [0, 1]]},
        {"type": "translation"},
    ],
    ids=str,
)
def test_other_transformations_are_refused(tmp_path, transform):
    node = node_of(tmp_path, multiscales("yx", [1, 1], coordinateTransformations=[transform]))

    with pytest.raises(FileError, match=r"with 2 finite numbers, got \{'type'"):
        described(node, 0, 2)


@pytest.mark.parametrize(
    ("unit", "name"), [("um", "micrometer"), ("µm", "micrometer"), ("ly", "ly")]
)
def test_units_have_the_names_of_ome_zarr(tmp_path, unit, name):
    told = described(node_of(tmp_path, multiscales("yx", [1, 1], units={"x": unit})), 0, 2)

    assert [place.unit for place in told.places] == ["", name]


@pytest.mark.parametrize(
    ("axes", "letters"),
    [
        (axes_named("tczyx"), "TCZYX"),
        ([{"name": name} for name in "ZYX"], "ZYX"),
        ([{"name": "time", "type": "time"}, *axes_named("yx")], "TYX"),
        ([{"name": "wavelength", "type": "channel"}, *axes_named("yx")], "CYX"),
        ([{"name": "angle"}, {"name": "phase"}, *axes_named("zyx")], "ABZYX"),
        ([{"name": "a"}, {"name": "phase"}, *axes_named("yx")], "ABYX"),
        ([{"name": "s"}, *axes_named("yx")], "AYX"),
        (axes_named("yxc"), "YXC"),
        (axes_named("zy"), None),
        ([{"name": "y"}, {"name": "x"}, {"name": "X"}], "YXA"),
    ],
)
def test_axes_get_letters_by_name_then_type_then_what_is_free(axes, letters):
    assert letters_of(axes) == letters


def test_old_versions_name_axes_by_strings_or_not_at_all(tmp_path):
    levels = {"datasets": [{"path": "0"}]}

    named = node_of(tmp_path / "3", [{**levels, "axes": ["c", "y", "x"]}])
    unnamed = node_of(tmp_path / "1", [levels])

    assert described(named, 0, 3).letters == "CYX"
    assert described(unnamed, 0, 5).letters == "TCZYX"
    assert described(unnamed, 0, 3).letters is None


def test_more_axes_than_the_array_has_give_no_letters(tmp_path):
    told = described(node_of(tmp_path, multiscales("zyx", [1, 1])), 0, 2)

    assert (told.names, told.letters) == ("z, y, x", None)


def test_an_array_of_no_image_has_none_around_it(tmp_path, random):
    array = read_node(array_2(tmp_path / "0", random.random((4, 4)), (4, 4)))

    assert image_around(array) is None
    node_of(tmp_path, multiscales("yx", [1, 1], path="1"))
    assert image_around(array) is None
    node_of(tmp_path, multiscales("yx", [1, 1]))
    node, level = image_around(array)
    assert (node.path, level) == (tmp_path, 0)


def test_levels_are_counted_from_the_finest(tmp_path):
    node = node_of(tmp_path, [{"datasets": [{"path": "full"}, {"path": "half"}], "name": "a"}])

    assert level_path(node, 0) == tmp_path / "full"
    assert level_path(node, 1) == tmp_path / "half"
    assert multiscale_name(node) == "a"
    for level in (2, -1):
        message = rf"has levels 0 \(finest\) to 1, but level {level} is wanted"
        with pytest.raises(FileError, match=message):
            level_path(node, level)


@pytest.mark.parametrize("path", ["../other/0", "/tmp/0", "a/../../0", "..\\0", "C:\\0", "C:0"])
def test_a_level_outside_of_the_folder_is_refused(tmp_path, path):
    node = node_of(tmp_path / "a.zarr", [{"datasets": [{"path": path}]}])

    with pytest.raises(FileError, match=r"a\.zarr names .* as one of its parts, but this path"):
        level_path(node, 0)


@pytest.mark.parametrize("stored", [[], None, {}, [3], [{}], [{"datasets": []}]], ids=str)
def test_damaged_metadata_are_named(tmp_path, stored):
    with pytest.raises(FileError, match="is damaged: "):
        level_path(node_of(tmp_path, stored), 0)


@pytest.mark.parametrize("name", [None, "", "/", 3])
def test_an_empty_name_is_none(tmp_path, name):
    stored = [{"datasets": [{"path": "0"}], "name": name}]

    assert multiscale_name(node_of(tmp_path, stored)) == ""
