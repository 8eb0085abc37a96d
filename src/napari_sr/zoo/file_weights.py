"""Find the weights in the content of a checkpoint file, beside counters, optimisers and others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_sr.zoo.file_kind import listed
from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.stored_tensor import StoredTensor, Unusable

AVERAGED = (
    "params_ema", "params-ema", "state_dict_ema", "ema_state_dict", "model_ema", "ema_model",
    "net_g_ema", "netG_ema", "generator_ema", "g_ema", "ema",
)  # fmt: skip
"""Keys of the running mean of the weights, which is preferred to the weights: it is less noisy."""
WRAPPERS = (*AVERAGED, "params")
"""Keys of the weights in BasicSR's files and similar ones. The first key is preferred."""
KNOWN_WRAPPERS = (
    "state_dict", "model_state_dict", "model", "net", "network", "net_g", "netG", "generator", "g",
)  # fmt: skip
"""Keys of the weights in files that also contain optimisers, counters or discriminators."""
_KNOWN = (*WRAPPERS, *KNOWN_WRAPPERS)
DEPTH = 4
"""Largest number of nested wrappers."""
PREFIXES = ("module.", "_orig_mod.")
"""The prefixes that DataParallel and torch.compile add to every key."""

_NUMBERS = (bool, int, float, complex, str, bytes, type(None))


@dataclass(frozen=True)
class FileWeights:
    """The weights in a file's content."""

    values: dict[str, Any]
    """The weights by key; anything but dense tensors is still to be refused."""
    wrapper: str = ""
    """The key that contained the weights; "" if the file contains them directly."""
    alternatives: tuple[str, ...] = ()
    """Other keys of the file that contain weights, too."""
    ignored: tuple[str, ...] = ()
    """Keys of numbers, texts and lists beside the weights."""

    def remarks(self) -> tuple[str, ...]:
        """Return a sentence for each choice that was made."""
        found = []
        mean = "the running mean " if self.wrapper in AVERAGED else ""
        others = f", not {' or '.join(map(repr, self.alternatives))}" if self.alternatives else ""
        if mean or others:
            found.append(f"Weights: {mean}{self.wrapper!r}{others}.")
        if self.ignored:
            found.append(f"Ignored beside the weights: {listed(list(self.ignored))}.")
        return tuple(found)


def weights_in(content: Mapping[Any, Any]) -> FileWeights:
    """Return the weights in a file's content.

    Wrappers such as `params_ema` or `state_dict` are opened, and the prefix `module.` is removed
    from the keys. Numbers, texts and lists beside the weights are left out.

    Raises
    ------
    RefusedError
        If there are no weights, if several keys could contain them, or if a key is not a string.
    """
    wrapper, alternatives = "", ()
    for _ in range(DEPTH):
        inner = [key for key, value in content.items() if isinstance(value, Mapping)]
        if not inner:
            break
        wrapper = _chosen(content, inner)
        alternatives = tuple(key for key in inner if key in _KNOWN and key != wrapper)
        content = content[wrapper]
    if not content:
        raise RefusedError("is not a checkpoint: it contains no tensors")
    for key in content:
        if not isinstance(key, str):
            raise RefusedError(
                f"is not a checkpoint: its key {key!r} is of type {type(key).__name__}"
            )
    values = {key: value for key, value in content.items() if not _is_beside(value)}
    if not values:
        shown = ", ".join(map(repr, list(content)[:5]))
        raise RefusedError(f"is not a checkpoint: it contains no tensors, but {shown}")
    ignored = tuple(key for key in content if key not in values)
    return FileWeights(_without_prefixes(values), wrapper, alternatives, ignored)


def _chosen(content: Mapping[Any, Any], inner: list[Any]) -> Any:
    """Return the key of the weights, one of the keys in `inner`."""
    for key in WRAPPERS:
        if key in inner:
            return key
    known = [key for key in KNOWN_WRAPPERS if key in inner] or inner
    if len(known) > 1 or any(isinstance(value, StoredTensor) for value in content.values()):
        raise RefusedError(
            "is ambiguous: several of its keys could contain the weights "
            f"({', '.join(map(repr, list(content)[:8]))}); save the weights alone"
        )
    return known[0]


def _is_beside(value: object) -> bool:
    """Return whether a value beside weights is a number, a text, or a list of such."""
    if isinstance(value, list | tuple):
        return all(isinstance(one, _NUMBERS) for one in value)
    if isinstance(value, Unusable):
        return value.is_number
    return isinstance(value, _NUMBERS)


def _without_prefixes(values: dict[str, Any]) -> dict[str, Any]:
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in values)), None):
        values = {key.removeprefix(prefix): value for key, value in values.items()}
    return values
