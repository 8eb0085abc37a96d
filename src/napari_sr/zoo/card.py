"""The model card that our training writes into a checkpoint: facts on network and training.

It is JSON in the metadata of a safetensors file. Anyone can write such a file, so each value is
checked before use. This module does not import torch.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from napari_sr.zoo.limits import MOST_STRUCTURE
from napari_sr.zoo.safetensors_file import LENGTH, header_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST_SCALE = 64
LARGEST_OPTION = 4096
LARGEST_NUMBER = sys.float_info.max
LONGEST_TEXT = 200
_RESERVED = ("scale", "state")
"""Names that options of a card must not have."""


def card_of(path: Path) -> dict[str, Any]:
    """Return the card in a file, or {} if there is none; only the header is read."""
    return card_in_metadata(metadata_of(path))


def card_in(data: bytes) -> dict[str, Any]:
    """Return the card in the content of a file, or {} if there is no readable card."""
    return card_in_metadata(_metadata(data))


def metadata_of(path: Path) -> dict[str, Any]:
    """Return the metadata of a safetensors file; {} for other files. Only the header is read."""
    try:
        if not path.is_file():  # not a pipe: opening it would wait for a writer
            return {}
        with path.open("rb") as file:
            start = file.read(LENGTH)
            length = int.from_bytes(start, "little")
            return _metadata(start + file.read(min(length, MOST_STRUCTURE)))
    except OSError:
        return {}


def _metadata(data: bytes) -> dict[str, Any]:
    try:
        metadata = header_of(data).get("__metadata__")
    except (ValueError, RecursionError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


def card_in_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object under the key `card`, or {} if there is none."""
    text = metadata.get("card")
    try:
        card = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return card if isinstance(card, dict) else {}


def scale_in(card: dict[str, Any]) -> int | None:
    """Return the scale in a card, or None if it has none.

    Raises
    ------
    ValueError
        If the scale is not a whole number from 1 to 64.
    """
    scale = card.get("scale")
    if scale is None:
        return None
    if type(scale) is not int or not 1 <= scale <= LARGEST_SCALE:
        raise ValueError(
            f"its card's scale must be a whole number from 1 to {LARGEST_SCALE}, got "
            f"{_short(scale)}: give scale= if the tensors do not show the scale"
        )
    return scale


def options_in(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card's options for the network's constructor, with lists converted to tuples.

    Raises
    ------
    ValueError
        If the options are not a table of numbers, strings, and lists of numbers or strings.
    """
    options = card.get("options", {})
    if not isinstance(options, dict):
        raise ValueError(f"its card's options must be a table, got {_short(options)}")
    for key, value in options.items():
        plain = all(map(_is_plain, value)) if isinstance(value, list) else _is_plain(value)
        if not plain or key in _RESERVED:
            raise ValueError(
                f"its card's options must be numbers up to {LARGEST_OPTION} and short strings, got "
                f"{_short(key)} = {_short(value)}"
            )
    # JSON has lists where constructors have tuples
    return {key: tuple(one) if isinstance(one, list) else one for key, one in options.items()}


def trained_on_grey(card: dict[str, Any]) -> bool | None:
    """Return whether the card's network was trained on full-range grey instead of luma.

    Return None if the card does not tell, as in files that we did not train. Our oldest cards name
    the network, but have no recipe: at that time, networks of one channel were trained on luma.
    """
    data = card
    for key in ("recipe", "data"):
        inner = data.get(key)
        data = inner if isinstance(inner, dict) else {}
    if data:
        return data.get("grey") is True
    return False if "network" in card else None


def number_in(entry: dict[str, Any], key: str) -> float:
    """Return the number of a key in an entry, which must be finite.

    Raises
    ------
    KeyError, ValueError
        If the key is missing or its value is wrong.
    """
    value = entry[key]
    if type(value) not in (int, float) or not abs(value) <= LARGEST_NUMBER:
        raise ValueError(f"{key} must be a number, got {_short(value)}")
    return float(value)


def text_in(entry: dict[str, Any], key: str) -> str:
    """Return the string of a key in an entry, which must be short.

    Raises
    ------
    KeyError, ValueError
        If the key is missing or its value is wrong.
    """
    value = entry[key]
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(
            f"{key} must be a string of at most {LONGEST_TEXT} characters, got {_short(value)}"
        )
    return value


def _is_plain(value: object) -> bool:
    if isinstance(value, int | float):
        return abs(value) <= LARGEST_OPTION  # not NaN
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_TEXT)


def _short(value: object) -> str:
    text = json.dumps(value) if isinstance(value, dict | list) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
