"""Read the provenance of a network, or the record of a run, that names several checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FACTOR = "factor"
"""Key of an enlargement that is not the network's scale, because its result is shrunk; as text:
"5/2" or "7"."""
SEVERAL = "blended", "series"
"""Keys of lists of checkpoints: the two of a blend, or of two networks in series."""


def checkpoints_in(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the provenance of each checkpoint: one, or those of a blend or a series."""
    if "series" in found:
        return [one for part in found["series"] for one in checkpoints_in(part)]
    blended: list[Mapping[str, Any]] = found.get("blended", [found])
    return blended


def with_each(
    found: Mapping[str, Any], change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Return a copy in which the provenance of each checkpoint of a list is changed."""
    changed = {key: [change(one) for one in found[key]] for key in SEVERAL if key in found}
    return {**found, **changed}
