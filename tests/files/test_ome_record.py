"""Records in OME-XML."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import tifffile
from records import record_of

from napari_sr.files.ome import left_out
from napari_sr.files.ome_record import annotated_record, annotation_of, is_ours
from napari_sr.runs.record import for_file


def written(tmp_path, record):
    """Return the OME-XML of a file that tifffile writes with a record."""
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "YX", **annotation_of(record)}
    tifffile.imwrite(path, np.zeros((4, 5), np.uint8), ome=True, metadata=metadata)
    return tifffile.TiffFile(path).ome_metadata


def test_a_record_comes_back_and_is_readable_for_people(tmp_path):
    record = for_file(record_of(source_path="µ <cells>.tif"))

    xml = written(tmp_path, record)

    assert annotated_record(xml) == record
    assert '<M K="model">fsrcnn-x2</M>' in xml
    assert left_out(xml) == []  # the result has a record of its own


def test_annotations_of_others_are_told_from_ours(tmp_path):
    xml = written(tmp_path, for_file(record_of())).replace('Namespace="napari-sr"', "")

    assert annotated_record(xml) is None
    assert left_out(xml) == ["its OME metadata StructuredAnnotations are left out"]
    assert not any(map(is_ours, ElementTree.fromstring(xml).iter()))


def test_without_a_record_nothing_is_written(tmp_path):
    assert annotation_of(None) == {}
    assert annotated_record(written(tmp_path, None)) is None
    assert annotated_record("no XML") is None
