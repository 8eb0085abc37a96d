"""Cards of other people's models: author, licence, purpose and other facts that they state.

A card is a JSON object beside a checkpoint file, or in the metadata of a safetensors file. Three
formats are read: ours, that of the collection OpenModelDB (https://openmodeldb.info), and the keys
`modelspec.*` of https://github.com/Stability-AI/ModelSpec. Anyone can write a card, so each value
is checked, and a wrong value counts as missing. This module does not import torch.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from napari_sr.zoo.card import LARGEST_SCALE, card_in_metadata
from napari_sr.zoo.training_facts import LARGEST, UNKNOWN, TrainingFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

Between: TypeAlias = tuple[float, float]

LONGEST = 300
"""Largest number of characters of a fact; longer texts are cut."""
_PURPOSE = re.compile(r"^Purpose:\s*(.+)$", re.MULTILINE)
_MODELSPEC = "modelspec."


@dataclass(frozen=True)
class ModelCard:
    """Facts that a card states; "" or None if it does not."""

    name: str = ""
    author: str = ""
    licence: str = ""
    purpose: str = ""
    """What the model is for."""
    trained_on: str = ""
    scale: int | None = None
    pixel: Between | None = None
    """Least and largest side of an LR pixel in micrometres."""
    noise: Between | None = None
    """Least and largest standard deviation of the noise that it expects, as a share of white."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the facts that are not stated."""
        return tuple(
            TITLES[one.name] for one in fields(self) if getattr(self, one.name) in ("", None)
        )

    @property
    def training(self) -> TrainingFacts:
        """The facts that the advice for images uses."""
        if not (self.trained_on or self.pixel or self.noise):
            return UNKNOWN
        return TrainingFacts(self.trained_on, noise=self.noise, pixel=self.pixel)

    def stated(self) -> list[str]:
        """Return each stated fact as text: "licence: MIT"."""
        found = []
        for one in fields(self):
            value = getattr(self, one.name)
            if value not in ("", None):
                found.append(f"{TITLES[one.name]}: {_shown(one.name, value)}")
        return found

    def as_record(self) -> dict[str, Any]:
        """Return the stated facts as JSON values, which `card_from` reads."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None)}


NO_CARD = ModelCard()
"""The card of a file without one."""
TITLES = {
    "name": "name", "author": "author", "licence": "licence", "purpose": "for",
    "trained_on": "trained on", "scale": "scale", "pixel": "pixel size", "noise": "noise",
}  # fmt: skip
"""Names of the facts, as shown to people."""


def card_from(record: Mapping[str, Any]) -> ModelCard:
    """Return the facts in a JSON object; missing and wrong values are left out.

    Parameters
    ----------
    record : mapping
        A card in our format: `name`, `author`, `licence` or `license`, `purpose` or `for`,
        `trained_on`, `scale`; `pixel_size` or `pixel` in micrometres, and `noise` as a share of
        white, each a number or [least, largest]. Or a record of OpenModelDB, with `tags`,
        `description` and `dataset`.
    """
    tags = record.get("tags")
    tagged = ", ".join(tag for tag in tags if isinstance(tag, str)) if _is_list(tags) else ""
    described = _text(record.get("description"))
    told = _PURPOSE.search(str(record.get("description")))
    return ModelCard(
        name=_text(record.get("name")),
        author=_text(record.get("author")),
        licence=_text(record.get("licence", record.get("license"))),
        purpose=(
            _text(record.get("purpose", record.get("for")))
            or _text(told[1] if told else "")
            or _text(tagged)
            or described
        ),
        trained_on=_text(record.get("trained_on", record.get("dataset"))),
        scale=_scale(record.get("scale")),
        pixel=_between(record.get("pixel_size", record.get("pixel")), above=0),
        noise=_between(record.get("noise"), above=-1),
    )


def card_from_metadata(metadata: Mapping[str, Any]) -> ModelCard:
    """Return the facts in a safetensors file's metadata, which contains only strings.

    They are keys of our format, JSON under the key `card`, or keys `modelspec.*`.
    """
    keys = {
        "title": "name", "author": "author", "license": "licence", "description": "description",
        "usage_hint": "purpose",
    }  # fmt: skip
    spec = {ours: metadata.get(_MODELSPEC + theirs) for theirs, ours in keys.items()}
    plain = {key: _as_json(value) for key, value in metadata.items() if isinstance(value, str)}
    found = {key: one for key, one in spec.items() if one is not None}
    return card_from({**found, **card_in_metadata(metadata), **plain})


def _as_json(text: str) -> Any:
    """Return a number or a pair of numbers in a text, otherwise the text."""
    numbers = [_number(one) for one in text.strip(" []()").split(",")]
    if any(number is None for number in numbers):
        return text
    return numbers[0] if len(numbers) == 1 else numbers


def _number(text: str) -> float | int | None:
    try:
        return int(text) if text.strip().isdigit() else float(text)
    except ValueError:
        return None


def _text(value: object) -> str:
    """Return a text, or several names joined by commas, in one line; "" for anything else."""
    if _is_list(value):
        value = ", ".join(one for one in value if isinstance(one, str))
    if not isinstance(value, str):
        return ""
    line = " ".join("".join(one if one.isprintable() else " " for one in value).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3].rstrip()}..."


def _is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


def _scale(value: object) -> int | None:
    return value if type(value) is int and 1 <= value <= LARGEST_SCALE else None


def _between(value: object, *, above: float) -> Between | None:
    """Return a number or a pair as least and largest value; None if it is neither."""
    pair = value if _is_list(value) else (value, value)
    if len(pair) != 2 or any(type(one) not in (int, float) for one in pair):
        return None
    if any(abs(one) > LARGEST for one in pair):  # also whole numbers too large for a float
        return None
    low, high = (float(one) for one in pair)
    return (low, high) if above < low <= high and low >= 0 else None


def _shown(key: str, value: Any) -> str:
    if key == "scale":
        return f"x{value}"
    if key not in ("pixel", "noise"):
        return str(value)
    low, high = value
    span = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    return f"{span} \u00b5m" if key == "pixel" else f"{span} of white"
