"""The image that a run is repeated on."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from records import record_of

from napari_sr.runs.file_record import told_of
from napari_sr.runs.record import RecordError
from napari_sr.runs.recorded import Recorded
from napari_sr.runs.repeat_source import source_of, source_path


@pytest.fixture
def path(tmp_path):
    tifffile.imwrite(tmp_path / "cells.tif", np.zeros((40, 50), np.uint8))
    return tmp_path / "cells.tif"


def recorded(**changes):
    return Recorded.of(record_of(source=None, **changes))


def test_a_file_is_found_where_it_was_or_beside_the_record(path):
    assert source_path(recorded(source_path=str(path)), None) == path
    assert source_path(recorded(source_path="/gone/cells.tif"), path.parent) == path


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"there is no /gone/a.tif and no .*a.tif: give"):
        source_path(recorded(source_path="/gone/a.tif"), tmp_path)
    with pytest.raises(RecordError, match="the layer 'cells', not a file: give the image"):
        source_path(Recorded.of(record_of()), None)
    with pytest.raises(RecordError, match="an image, not a file: give the image"):
        source_path(recorded(), None)


def test_a_file_of_another_shape_is_not_the_source(path):
    found = recorded(source_path=str(path), source_shape=(40, 51))

    with pytest.raises(RecordError, match=r"shape \(40, 50\), but the source .* \(40, 51\)"):
        source_of(found)
    assert source_of(found, path).image.pixels.shape == (40, 50)  # asked for


def test_a_changed_file_is_told(path):
    found = recorded(source_path=str(path), source_file=told_of(path))
    assert source_of(found).changed == ""

    tifffile.imwrite(path, np.ones((40, 50), np.uint8))

    assert "cells.tif is not the recorded file, or has changed" in source_of(found).changed


def test_an_array_has_the_recorded_axes_if_they_fit(random):
    found = recorded(axes="TYX")

    assert source_of(found, random.random((2, 4, 5))).image.axes == "TYX"
    assert source_of(found, random.random((4, 5))).image.axes == "YX"
    assert source_of(found, random.random((4, 5))).path is None
