"""Find the network that an unknown checkpoint resembles most, and describe the differences."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from napari_sr.graph.network import Architecture, Options, StateDict

Shapes: TypeAlias = "Mapping[str, tuple[int, ...]]"

LEAST_ALIKE = 0.1
"""A resemblance is reported from this share of common tensors on, because many networks have names
such as `head.weight` in common."""
CANDIDATES = 3
"""Number of networks that are compared in all their published variants. They are those with the
most names in common."""


@dataclass(frozen=True)
class _Comparison:
    """A comparison of a checkpoint with one published variant of a network."""

    title: str
    found: Shapes
    """The checkpoint's tensors under the network's own names."""
    names: dict[str, str]
    """The name in the file for each of the network's names."""
    needed: Shapes

    @property
    def missing(self) -> list[str]:
        return [key for key in self.needed if key not in self.found]

    @property
    def surplus(self) -> list[str]:
        return [key for key in self.found if key not in self.needed]

    @property
    def misshapen(self) -> list[str]:
        both = (key for key in self.needed if key in self.found)
        return [key for key in both if self.found[key] != self.needed[key]]

    @property
    def likeness(self) -> float:
        """Share of common tensors, 0 to 1; equal names with different shapes count half."""
        shared = len(self.needed) - len(self.missing) - len(self.misshapen) / 2
        return shared / max(len(self.needed) + len(self.surplus), 1)

    def __str__(self) -> str:
        parts = []
        if self.missing:
            which = f"{len(self.missing)} of its {len(self.needed)} tensors"
            parts.append(f"{which} {_are(self.missing)} missing: {_few(self.missing)}")
        if self.surplus:
            names = [self.names[key] for key in self.surplus]
            parts.append(f"{len(names)} {_are(names)} unknown: {_few(names)}")
        if self.misshapen:
            key = self.misshapen[0]
            shapes = f"{self.found[key]} where {self.needed[key]} is needed"
            which = f"{len(self.misshapen)} {_are(self.misshapen)} of another shape"
            parts.append(f"{which}: {self.names[key]} has {shapes}")
        return f"{self.title}: {'; '.join(parts)}"


def describe(state: StateDict, records: Iterable[Architecture]) -> str:
    """Describe in one clause the network nearest to an unknown checkpoint, and the differences.

    Parameters
    ----------
    state : mapping of str to Tensor
        The checkpoint.
    records : iterable of Architecture
        All networks; if several are equally near, the first is chosen.
    """
    alike = [(_shared_names(state, record), record) for record in records]
    alike.sort(key=lambda pair: -pair[0])
    compared = [
        comparison
        for shared, record in alike[:CANDIDATES]
        if shared
        for comparison in _comparisons(state, record)
    ]
    nearest = max(compared, key=lambda comparison: comparison.likeness, default=None)
    if nearest is None or nearest.likeness < LEAST_ALIKE:
        return "it resembles none of them"
    return f"the nearest is {nearest}"


def _few(keys: Collection[str]) -> str:
    return ", ".join([*keys][:2] + ["..."] * (len(keys) > 2))


def _are(keys: Collection[str]) -> str:
    return "is" if len(keys) == 1 else "are"


def _pattern(key: str) -> str:
    """Return a key without the indices of blocks."""
    return re.sub(r"\d+", "#", key)


def _shared_names(state: StateDict, record: Architecture) -> float:
    """Return the share of names that a checkpoint and a network share, ignoring block numbers."""
    ours = {_pattern(key) for key in record.shapes(record.example)}
    theirs = {_pattern(key) for key in record.adapt(state)}
    return len(ours & theirs) / max(len(ours | theirs), 1)


def _comparisons(state: StateDict, record: Architecture) -> Iterator[_Comparison]:
    adapted = record.adapt(state)
    file_names = {id(value): key for key, value in state.items()}
    names = {key: file_names.get(id(value), key) for key, value in adapted.items()}
    found = {key: tuple(value.shape) for key, value in adapted.items()}
    for options in _all_options({**state, **adapted}, record):
        with suppress(ValueError):  # options of a broken checkpoint may build no network
            yield _Comparison(record.title, found, names, record.shapes(options))


def _all_options(state: StateDict, record: Architecture) -> Iterator[Options]:
    """Yield the options that the tensors show, then those of the published variants."""
    options = record.options_of(state)
    if options is not None:
        yield options
    for form in record.forms:
        for scale in form.scales:
            yield {"scale": scale, **form.options}
