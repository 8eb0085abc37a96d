"""Records as plain data: everything that TOML and JSON hold, and no folder's name in files."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from records import record_of, records

from napari_sr.runs.record import (
    RecordError,
    as_toml,
    for_file,
    is_known,
    plain,
    read_record,
)


def test_arrays_paths_and_numbers_become_plain():
    record = {
        "pair": (np.float32(0.5), np.int64(3)),
        "array": np.arange(2),
        "path": Path("/a/b"),
        "none": None,
        "nested": {"flag": np.bool_(True), "none": None},
        "odd": [float("nan"), float("inf")],
    }

    assert plain(record) == {
        "pair": [0.5, 3],
        "array": [0, 1],
        "path": str(Path("/a/b")),
        "nested": {"flag": True},
        "odd": ["nan", "inf"],
    }


@given(records())
def test_toml_gives_back_the_record(record):
    assert tomllib.loads(as_toml(record)) == plain(record)


def test_toml_names_the_source_but_no_cache():
    written = as_toml(record_of(source_path="/home/alice/cells.tif"))

    assert "/home/alice/cells.tif" in written
    assert ".cache" not in written
    assert "napari-sr run" in written.partition("\n")[0]


def test_files_hold_names_and_no_folders():
    own = {"model": "a", "scale": 2, "file": "/home/alice/a.pth", "sha256": "12"}
    record = record_of(
        source_path="/home/alice/Smith, John/cells.tif", folder="/home/alice/out", blended=[own]
    )

    found = for_file(record)

    assert (found["source_path"], found["file"]) == ("cells.tif", "fsrcnn-x2.safetensors")
    assert found["blended"][0]["file"] == "a.pth"
    assert "alice" not in json.dumps(found)


def test_a_known_model_is_told_by_name_and_weights():
    assert is_known(record_of())
    assert not is_known(record_of(sha256="12"))
    assert not is_known(record_of(model="mine"))
    assert is_known({"model": "bicubic-x2", "scale": 2})  # it has no weights


def test_a_record_is_read_from_toml(tmp_path):
    (tmp_path / "record.toml").write_text(as_toml(record_of()), encoding="utf-8")

    assert read_record(tmp_path / "record.toml") == tomllib.loads(as_toml(record_of()))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.toml", None, "there is no file .*none.toml"),
        ("bad.toml", b"model =", "bad.toml holds no readable record: Invalid value"),
        ("other.toml", b"a = 1", "other.toml holds no record of napari-sr"),
        ("big.toml", b"#" * (2**20 + 1), "at most 1,048,576 bytes"),
        ("text.txt", b"abc", "text.txt holds no record"),
        ("empty.tif", b"", "empty.tif is empty"),
    ],
)
def test_a_file_without_a_record_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(RecordError, match=message):
        read_record(tmp_path / name)
