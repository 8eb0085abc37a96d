"""The record of a component that a recipe chooses by name, and functions that check values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_OTHERS: Mapping[str, str] = {"extra": "forbid"}
"""Makes pydantic raise an error for unknown keys."""
MOST_STEPS = 10**9


def need(right: bool, key: str, needed: str, given: object) -> None:
    """Raise a ValueError unless `right`; the message names key, needed value and given value."""
    if not right:
        raise ValueError(f"{key} must be {needed}, got {given!r}")


def within(key: str, value: int, least: int, most: int) -> None:
    """Raise a ValueError if a number is too small or too large."""
    need(value >= least, key, f"at least {least}", value)
    need(value <= most, key, f"at most {most}", value)


@dataclass(frozen=True)
class ComponentSpec:
    """A component of a recipe: the name of its module, and its constructor's arguments."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
