"""The record of a run on a file."""

from __future__ import annotations

import numpy as np
import pytest
from records import record_of

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.image import ImageFile
from napari_sr.runs.file_record import file_record, told_of


@pytest.fixture
def path(tmp_path):
    (tmp_path / "cells.tif").write_bytes(b"pixels")
    return tmp_path / "cells.tif"


def recorded(path, asked, found=(0.0, 65535.0), **changes):
    image = ImageFile(np.zeros((3, 4, 5), np.uint16), "ZYX", **changes)
    return file_record(record_of(value_range=found), path, image, Settings(value_range=asked), None)


def test_the_record_tells_the_file(path):
    record = recorded(path, None)

    assert record["source_path"] == str(path)
    assert (record["source_shape"], record["source_dtype"]) == ((3, 4, 5), "uint16")
    assert record["source_file"] == told_of(path)
    assert record["source_file"]["size"] == 6
    (path).write_bytes(b"Pixels")
    assert record["source_file"] != told_of(path)


@pytest.mark.parametrize(
    ("asked", "found", "inverted", "stored"),
    [
        (None, (0.0, 4095.0), False, None),
        ((1, 9), (1.0, 9.0), False, (1.0, 9.0)),
        ((1, 9), (65526.0, 65534.0), True, (1.0, 9.0)),
        (Percentiles(), (3.0, 7.0), False, (3.0, 7.0)),
        (Percentiles(), (3.0, 7.0), True, (65528.0, 65532.0)),
    ],
)
def test_black_and_white_count_as_the_file_stores_them(path, asked, found, inverted, stored):
    record = recorded(path, asked, found, white_is_zero=inverted)

    assert record["settings"]["value_range"] == stored
    assert record["value_range"] == found
