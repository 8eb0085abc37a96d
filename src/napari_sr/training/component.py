"""Components that recipes choose by name, and checks of the values in a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_OTHERS: Mapping[str, str] = {"extra": "forbid"}
"""Tells pydantic to refuse unknown keys."""
MOST_STEPS = 10**9


def need(right: bool, key: str, needed: str, came: object) -> None:
    """Refuse a wrong value; the message names its key, what is needed and what was given."""
    if not right:
        raise ValueError(f"{key} must be {needed}, got {came!r}")


def within(key: str, value: int, least: int, most: int) -> None:
    """Refuse a number that is too small or too large."""
    need(value >= least, key, f"at least {least}", value)
    need(value <= most, key, f"at most {most}", value)


@dataclass(frozen=True)
class ComponentSpec:
    """A component: the name of its file, and keywords for its constructor."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
