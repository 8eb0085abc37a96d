"""Components that recipes choose by name, and functions that check the values of a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_OTHERS: Mapping[str, str] = {"extra": "forbid"}
"""Makes pydantic raise an error for unknown keys."""
MOST_STEPS = 10**9


def need(right: bool, key: str, needed: str, came: object) -> None:
    """Raise an error unless a condition holds; the message names key, needed and given value."""
    if not right:
        raise ValueError(f"{key} must be {needed}, got {came!r}")


def within(key: str, value: int, least: int, most: int) -> None:
    """Raise an error for a number that is too small or too large."""
    need(value >= least, key, f"at least {least}", value)
    need(value <= most, key, f"at most {most}", value)


@dataclass(frozen=True)
class ComponentSpec:
    """A component: the name of its file, and keywords for its constructor."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
