"""A file's identity changes with its content, date, parts, and shape and type of its pixels."""

from __future__ import annotations

import json
import os

import pytest

from napari_sr.files.identity import ENDS, identity_of


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(3 * ENDS))
    return path


def identity(path, **changes):
    return identity_of(path, **({"shape": (5, 7), "dtype": "u2"} | changes))


def test_it_is_json_and_stays(path):
    assert json.loads(json.dumps(identity(path))) == identity(path)
    assert identity(path)["dtype"] == "uint16"


@pytest.mark.parametrize("at", [0, ENDS - 1, 2 * ENDS, 3 * ENDS - 1])
def test_it_tells_other_ends_of_the_same_date(path, at):
    before, date = identity(path), path.stat().st_mtime_ns
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"1")
    os.utime(path, ns=(date, date))

    assert identity(path) != before


def test_it_tells_another_date_shape_and_type(path):
    before = identity(path)

    assert identity(path, shape=(7, 5)) != before
    assert identity(path, dtype="f4") != before
    os.utime(path, ns=(0, 1))
    assert identity(path) != before


@pytest.mark.parametrize("size", [1, ENDS, ENDS + 1])
def test_every_byte_of_a_small_file_counts(tmp_path, size):
    path = tmp_path / "small"
    path.write_bytes(bytes(size - 1) + b"a")
    os.utime(path, ns=(0, 1))
    before = identity(path)
    path.write_bytes(bytes(size - 1) + b"b")
    os.utime(path, ns=(0, 1))

    assert identity(path) != before


def test_it_names_the_other_parts(path, tmp_path):
    other = tmp_path / "b.tif"
    other.write_bytes(b"b")

    found = identity(path, others=[path, other, other])

    assert [part["path"] for part in found["parts"]] == [str(other)]
    assert "parts" not in identity(path, others=[path])
