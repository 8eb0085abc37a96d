"""The images in a folder that match a pattern, and the names of their results."""

from __future__ import annotations

import os
from pathlib import PurePosixPath as Below

import pytest

from napari_sr.files.folder import (
    check_distinct,
    check_suffix,
    find,
    name_of_result,
    read_patterns,
)
from napari_sr.files.image import FileError


@pytest.fixture
def tree(tmp_path):
    """Make files from their paths, and return the names that patterns find."""

    def made(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()

        def found(*patterns, out="out"):
            files = find(tmp_path, read_patterns(patterns), tmp_path / out).files
            return [str(one) for one in files]

        return found

    return made


def test_a_pattern_means_what_it_means_in_a_shell(tree):
    found = tree("b.tif", "a.tif", "c.png", "x/d.tif", "x/y/e.tif", "x/y/f.png", "z/y/g.tif")

    assert found("*.tif") == ["a.tif", "b.tif"]
    assert found("./?.tif") == ["a.tif", "b.tif"]
    assert found("**/*.tif") == ["a.tif", "b.tif", "x/d.tif", "x/y/e.tif", "z/y/g.tif"]
    assert found("x/**/*.tif") == ["x/d.tif", "x/y/e.tif"]
    assert found("*/y/*") == ["x/y/e.tif", "x/y/f.png", "z/y/g.tif"]
    assert found("x/**") == ["x/d.tif", "x/y/e.tif", "x/y/f.png"]
    assert found("[ac].*", "*.tif") == ["a.tif", "b.tif", "c.png"]
    assert found("*.gif") == []


def test_hidden_files_are_found_only_by_name(tree):
    found = tree("a.tif", "._a.tif", ".hidden/b.tif", "c/.d/e.tif")

    assert found("**/*.tif") == ["a.tif"]
    assert found("._*", ".hidden/*") == ["._a.tif", ".hidden/b.tif"]


def test_results_are_no_sources(tree, tmp_path):
    found = tree("a.tif", "out/b.tif", "x/out/c.tif", "x/d.tif")
    (tmp_path / "link.tif").symlink_to(tmp_path / "out" / "b.tif")

    assert found("**/*.tif") == ["a.tif", "x/d.tif", "x/out/c.tif"]
    assert found("**/*.tif", out="x") == ["a.tif", "link.tif", "out/b.tif"]


def test_an_ome_zarr_is_one_file(tree):
    found = tree(
        "a.zarr/zarr.json", "a.zarr/0/c.tif", "b/.zgroup", "b/0/.zarray", "damaged.zarr/0/1.tif"
    )

    assert found("*") == ["a.zarr", "b", "damaged.zarr"]
    assert found("**/*.tif") == []
    assert found("**/*.zarr") == ["a.zarr", "damaged.zarr"]


def test_links_to_files_are_files_and_links_to_folders_are_not_followed(tree, tmp_path):
    found = tree("x/a.tif", "z.zarr/zarr.json")
    (tmp_path / "b.tif").symlink_to(tmp_path / "x" / "a.tif")
    (tmp_path / "lost.tif").symlink_to(tmp_path / "nothing")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    (tmp_path / "x" / "loop").symlink_to(tmp_path)
    (tmp_path / "image").symlink_to(tmp_path / "z.zarr")

    assert found("**/*.tif") == ["b.tif", "lost.tif", "x/a.tif"]
    assert found("image") == ["image"]


def test_a_folder_that_cannot_be_searched_is_told(tree, tmp_path, monkeypatch):
    tree("a.tif", "x/b.tif")
    scan = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("x"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find(tmp_path, read_patterns(["**/*.tif"]), tmp_path / "out")

    assert [str(one) for one in found.files] == ["a.tif"]
    assert found.unreadable == {"x": f"{tmp_path / 'x'} cannot be searched: Permission denied"}


@pytest.mark.parametrize("pattern", ["", ".", "/tmp/*.tif", "../*.tif", "a/../*.tif"])
def test_a_pattern_that_leads_out_is_refused(pattern):
    with pytest.raises(ValueError, match="--pattern needs names below the folder"):
        read_patterns([pattern])


@pytest.mark.parametrize(
    ("source", "suffix", "result"),
    [
        ("x/a.tif", None, "x/a.tif"),
        ("a.PNG", None, "a.PNG"),
        ("a.ome.tif", None, "a.ome.tif"),
        ("a.zarr", None, "a.zarr"),
        ("x/a.czi", None, "x/a.ome.zarr"),
        ("a.b.nii.gz", None, "a.b.nii.gz"),
        ("a.b.nii.gz", ".ome.zarr", "a.b.ome.zarr"),
        ("a", None, "a.ome.zarr"),
        ("a.tif", ".png", "a.png"),
        ("a.ome.tif", ".png", "a.png"),
        ("a.ome.zarr", ".tif", "a.tif"),
        ("a.v2.tif", ".ome.zarr", "a.v2.ome.zarr"),
        (".tif", ".png", ".tif.png"),
    ],
)
def test_a_result_is_called_like_its_source(source, suffix, result):
    assert str(name_of_result(Below(source), suffix)) == result


def test_only_what_can_be_written_is_a_suffix_of_results():
    assert check_suffix("PNG") == ".png"
    assert check_suffix(".ome.zarr") == ".ome.zarr"
    with pytest.raises(ValueError, match=r"--to must be one of .*\.png.*, got \.gif"):
        check_suffix(".gif")


def test_two_sources_of_one_result_are_named():
    pairs = [(Below(name), name_of_result(Below(name), ".tif")) for name in ("x/a.png", "a.png")]
    check_distinct(pairs)

    pairs += [(Below("a.jpg"), Below("a.tif"))]
    with pytest.raises(FileError, match=r"^a\.png and a\.jpg would both become a\.tif: choose"):
        check_distinct(pairs)
    pairs += [(Below("x/a.jpg"), Below("x/a.tif"))]
    with pytest.raises(FileError, match="and 1 more results have several sources"):
        check_distinct(pairs)
