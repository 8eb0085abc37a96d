"""Imported files: unchanged copies with a description that anybody may have written."""

from __future__ import annotations

import hashlib
import json

import pytest

from napari_sr.zoo import imported, trained
from napari_sr.zoo.imported import Description
from napari_sr.zoo.model_card import NO_CARD, ModelCard

CONTENT = b"weights"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    return tmp_path / "networks"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(CONTENT)
    return path


def sha256(content=CONTENT):
    return hashlib.sha256(content).hexdigest()


def described(**changes):
    usual = {
        "origin": "net.pth", "sha256": sha256(), "size": len(CONTENT), "architecture": "edsr",
        "summary": "A network.", "scales": (2, 4), "scale_is_known": False, "parameters": 7,
        "questions": {"res_scale": None, "input_range": 255.0}, "options": {"features": 8},
    }  # fmt: skip
    return Description(**{**usual, **changes})


def put(source, folder, **changes):
    path = imported.free_path(source.name)
    imported.keep(source, path, sha256())
    imported.describe(path, described(**changes))
    return path


def test_there_is_nothing_before_the_first_import():
    assert imported.files() == []
    assert imported.twin_of(sha256(), len(CONTENT)) is None


def test_a_copy_is_unchanged_and_listed_with_its_description(source, folder):
    path = put(source, folder)

    assert path.read_bytes() == CONTENT
    assert path.parent == folder
    (found,) = imported.files()
    assert (found.path, found.name, found.about) == (path, "net", described())


def test_another_file_of_the_same_name_gets_a_free_one(source, folder):
    put(source, folder)

    assert imported.free_path("net.pth") == folder / "net (2).pth"
    assert imported.free_path("a:b?.mat") == folder / "a_b_.mat"


def test_a_file_with_the_same_content_is_found(source, folder):
    path = put(source, folder)

    assert imported.twin_of(sha256(), len(CONTENT)) == path
    assert imported.twin_of(sha256(b"another"), len(CONTENT)) is None


def test_a_file_that_changes_meanwhile_is_not_imported(source, folder):
    source.write_bytes(b"other")

    with pytest.raises(ValueError, match=rf"net\.pth changed .* was {sha256()}, and is now"):
        imported.keep(source, imported.free_path("net.pth"), sha256())

    assert not folder.exists()


def test_the_description_of_a_file_that_changed_is_not_used(source, folder):
    put(source, folder).write_bytes(b"longer than before")

    assert imported.files() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"scales": []},
        {"scales": [0]},
        {"scales": [1000]},
        {"scales": "24"},
        {"summary": "x" * 1000},
        {"parameters": float("inf")},
        {"questions": {"a": "b"}},
        {"options": {"scale": 2}},
        {"size": None},
        {"origin": 3},
    ],
)
def test_a_wrong_description_is_not_used(source, folder, changes):
    path = put(source, folder)
    place = path.with_name(f"{path.name}{imported.DESCRIPTION}")
    place.write_text(json.dumps({**json.loads(place.read_text()), **changes}))

    assert imported.files() == []


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 5000, "x" * (1 << 17)])
def test_a_broken_description_is_not_used(source, folder, text):
    path = put(source, folder)
    path.with_name(f"{path.name}{imported.DESCRIPTION}").write_text(text)

    assert imported.files() == []


def test_removing_leaves_nothing(source, folder):
    imported.remove(put(source, folder))

    assert list(folder.iterdir()) == []


def test_a_file_that_was_not_imported_is_not_removed(source):
    with pytest.raises(ValueError, match=r"only imported files can be removed, got .*net\.pth"):
        imported.remove(source)

    assert source.exists()


def test_remarks_and_card_are_kept_and_may_be_missing(source, folder):
    more = {"remarks": ("One.",), "card": ModelCard(author="Ada", scale=2, pixel=(0.1, 0.2))}
    path = put(source, folder, **more)
    assert imported.files()[0].about == described(**more)

    place = path.with_name(f"{path.name}{imported.DESCRIPTION}")
    older = json.loads(place.read_text())
    del older["remarks"]
    older["card"] = ["wrong"]
    place.write_text(json.dumps(older))
    found = imported.files()[0].about
    assert (found.remarks, found.card) == ((), NO_CARD)
