"""Write a record into an OME-TIFF's metadata as an annotation, which OMERO and Bio-Formats keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_sr.files.xmp_record import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "napari-sr"
"""The namespace of our annotation."""
_SHOWN = ("model", "scale", "factor", "sha256", "source", "source_path")
"""Entries of a record that are also written separately, for human readers."""


def annotation_of(record: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return OME metadata for tifffile with a record as key-value pairs; {} if there is none."""
    if record is None:
        return {}
    shown = {key: str(record[key]) for key in _SHOWN if key in record}
    # tifffile writes Namespace as an attribute, and all other entries as key-value pairs
    return {"MapAnnotation": {"Namespace": NAMESPACE, **shown, "record": json.dumps(record)}}


def annotated_record(xml: str) -> dict[str, Any] | None:
    """Return the record in OME-XML, or None if there is none."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None
    for element in root.iter():
        if is_ours(element):
            for pair in element.iter():
                if pair.get("K") == "record":
                    return parsed(pair.text or "")
    return None


def is_ours(element: ElementTree.Element) -> bool:
    """Return whether an element of OME-XML is our annotation."""
    named = element.get("Namespace") == NAMESPACE
    return named and element.tag.rpartition("}")[2] == "MapAnnotation"
