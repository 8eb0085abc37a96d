"""Read the options that name a model, and load the model, with a progress bar for downloads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.cli import terminal
from napari_sr.runs.model import ModelReference
from napari_sr.runs.typed_number import number_in, unclear
from napari_sr.zoo.download import fetch, local_path
from napari_sr.zoo.provenance import checkpoints_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.graph.network import Network
    from napari_sr.zoo.registry import Entry

HALF_WAY = 0.5
"""The default weight of a blend."""


class CommandError(Exception):
    """An error that is shown to the user in one line."""


def reference(
    name: str | None,
    scale: int | None = None,
    options: dict[str, Any] | None = None,
    other: str | None = None,
    weight: float | None = None,
    then: str | None = None,
) -> ModelReference:
    """Return the model that the options of a command name.

    Parameters
    ----------
    name : str or None
        A known model or a file; None for the default model, which is included.
    scale, options
        As for `napari_sr.load`.
    other : str, optional
        The second model of a blend.
    weight : float, optional
        Share of the second model.
    then : str, optional
        The model that reads the result.

    Raises
    ------
    CommandError
        If a weight is given without a second model.
    """
    given = tuple((options or {}).items())
    if then is not None:
        before = reference(name, scale, options, other, weight)
        return replace(before, then=ModelReference(then))
    if other is None:
        if weight is not None:
            raise CommandError(
                f"--weight needs --blend with a second model, got --weight {weight} without it"
            )
        return ModelReference(name, scale, given)
    weight = HALF_WAY if weight is None else weight
    second = ModelReference(other, options=given)
    return ModelReference(name, scale, given, second=second, weight=weight)


def read_options(texts: Iterable[str] | None) -> dict[str, float | bool]:
    """Return the options of a model that were given as KEY=VALUE.

    Raises
    ------
    CommandError
        If an option is not KEY=VALUE with a number as value.
    """
    return dict(map(read_option, texts or ()))


def read_option(text: str) -> tuple[str, float | bool]:
    """Return key and value of a text KEY=VALUE.

    Raises
    ------
    CommandError
        If the option is not KEY=VALUE with a number as value.
    """
    key, _, value = text.partition("=")
    words = {"true": True, "false": False}
    try:
        number = words[value.lower()] if value.lower() in words else number_in(value)
    except ValueError:
        if reason := unclear(value):
            raise CommandError(f"--option {key}: {reason}") from None
        raise CommandError(
            f"--option needs KEY=NUMBER, such as res_scale=0.1, got {text!r}"
        ) from None
    if key in ("scale", "model"):
        raise CommandError(f"--option {text} must be given as --{key}")
    whole = not isinstance(number, bool) and number.is_integer() and not {".", ","} & set(value)
    return key.replace("-", "_"), int(number) if whole else number


def load(model: ModelReference, bars: Bars) -> Network:
    """Load a model, and tell which weights of its file were chosen; download it if it is missing.

    Raises
    ------
    CommandError, ValueError, napari_sr.zoo.download.DownloadError
        If there is no such model, or two models cannot be blended.
    """

    def fetched(entry: Entry) -> Path:
        return _download(entry, bars) if local_path(entry) is None else fetch(entry)

    network = model.load(fetched)
    loaded: list[Any] = [*checkpoints_in(network.provenance)]
    # a file that is used twice is told once
    told = [f"{one['model']}: {text}" for one in loaded for text in one.get("chosen_weights", ())]
    for sentence in dict.fromkeys(told):
        terminal.tell(bars, sentence)
    return network


def _download(entry: Entry, bars: Bars) -> Path:
    size = f"{entry.size / 1e6:.1f} MB"
    terminal.tell(bars, f"downloading {entry.name}, {size}, licence: {entry.licence}")
    bar = bars.add_task(f"{entry.name}, bytes", total=entry.size)
    path = fetch(entry, lambda done, total: bars.update(bar, completed=done, total=total))
    bars.remove_task(bar)
    return path
