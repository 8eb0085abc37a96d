"""Find the card of a checkpoint file: in its metadata, or in a JSON file beside it."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from napari_sr.zoo.card import metadata_of
from napari_sr.zoo.model_card import NO_CARD, ModelCard, card_from, card_from_metadata

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 1 << 18
"""Largest size of a card's file in bytes; records of OpenModelDB have up to some ten thousand."""
MOST = 300
"""Largest number of JSON files of a folder to read."""
_OWN = ".import.json"
"""Ending of the descriptions of imported files, which are not cards."""


def card_for(path: Path, sha256: str = "") -> tuple[ModelCard, str]:
    """Return the card of a checkpoint file, and where it is; an empty card and "" without one.

    The file's own metadata come first; then a JSON file in the folder that lists the SHA-256 of the
    file, as records of OpenModelDB do; then `NAME.json` or `NAME.pth.json`, where `-`, `_`, spaces
    and upper case do not matter. A record that lists other files only is not used.

    Parameters
    ----------
    path : Path
        The checkpoint file.
    sha256 : str
        Its hash; "" if it is not known.
    """
    own = card_from_metadata(metadata_of(path))
    if own.stated():
        return own, "its metadata"
    records = _records(path)
    for name, record in records.items():
        if _lists(record, sha256):
            return card_from(record), name
    for name, record in records.items():
        named = _plain(name) in (_plain(f"{path.stem}.json"), _plain(f"{path.name}.json"))
        # the record of a file with another hash belongs to another file
        if named and not (sha256 and _hashes(record)):
            found = card_from(record)
            if found.stated():
                return found, name
    return NO_CARD, ""


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def _records(path: Path) -> dict[str, dict[str, Any]]:
    """Return the JSON objects in a file's folder by the names of their files."""
    found: dict[str, dict[str, Any]] = {}
    try:
        names = sorted(islice(path.parent.glob("*.json"), MOST))
    except OSError:
        return found
    for one in names:
        if one.name.endswith(_OWN):
            continue
        try:
            if one.is_file() and one.stat().st_size <= LONGEST:
                record = json.loads(one.read_text(encoding="utf-8-sig"))
                if isinstance(record, dict):
                    found[one.name] = record
        except (OSError, ValueError, RecursionError):
            continue
    return found


def _hashes(record: dict[str, Any]) -> list[str]:
    """Return the hashes of the files that a record lists."""
    listed = [record, *_tables(record.get("resources"))]
    hashes = (one.get("sha256") for one in listed)
    return [one.lower() for one in hashes if isinstance(one, str)]


def _tables(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _lists(record: dict[str, Any], sha256: str) -> bool:
    return bool(sha256) and sha256.lower() in _hashes(record)
