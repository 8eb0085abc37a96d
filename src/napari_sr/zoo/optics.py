"""Whether a model was trained on images that optics blurred and a camera binned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.graph.factor import in_words
from napari_sr.zoo import registry
from napari_sr.zoo.card import card_of, scale_in
from napari_sr.zoo.training_facts import facts_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.graph.factor import Factor

OPTICS = "optics"
"""Stands for the name of any network that was trained so, and is its key in a record."""


def saw_optics(model: str | Path, scale: int | None) -> bool:
    """Return whether a model was trained on images blurred by optics.

    Parameters
    ----------
    model : str or Path
        A known model; a checkpoint file, whose card tells; or `OPTICS`.
    scale : int, optional
        Its enlargement, if it is a file.

    Raises
    ------
    ValueError
        If there is neither such a model nor such a file, if the file is not a checkpoint, or if its
        card has another scale.
    """
    if model == OPTICS:
        return True
    file = Path(model).expanduser()
    if file.is_file():
        _check(file, scale)
        return card_tells_optics(card_of(file))
    return registry.matching(str(model))[0].family in registry.OPTICAL


def network_scale_for(model: str | Path, factor: Factor) -> int | None:
    """Return the scale of the network, or of two in series, that enlarges by a factor.

    It is the one that `napari_sr.upscale` chooses.

    Parameters
    ----------
    model : str or Path
        As for `saw_optics`.
    factor : int or Fraction
        The enlargement of a result.

    Returns
    -------
    int or None
        None for a file and for `OPTICS`.

    Raises
    ------
    ValueError
        If there is no such model, or it does not enlarge that much.
    """
    if model == OPTICS or Path(model).expanduser().is_file():
        return None
    known = registry.matching(str(model))
    own = [one.scale for one in known]
    followers = registry.matching(known[0].family) if known[0].training.can_follow else ()
    both = [one * two.scale for one in own for two in followers]
    for scales in (own, both):
        if enough := [scale for scale in scales if scale >= factor]:
            return min(enough)
    with_two = " with two networks" if both else ""
    raise ValueError(
        f"{model} enlarges at most {max(both or own)} times{with_two}, got a result that is "
        f"{in_words(factor)} times larger"
    )


def _check(file: Path, scale: int | None) -> None:
    """Check that a file is a checkpoint, and that its card does not contradict the scale."""
    from napari_sr.zoo.checkpoint import read_checkpoint  # imports torch

    read_checkpoint(file)  # raises if it is not a checkpoint
    told = scale_in(card_of(file))
    if scale is not None and told not in (None, scale):
        raise ValueError(f"{file.name} upscales {told} times, got a result with scale {scale}")


def card_tells_optics(card: Mapping[str, Any]) -> bool:
    """Return whether the card of our training names a simulated microscope."""
    return facts_in(dict(card)).blur is not None


def is_optical(name: str, scale: int | None) -> bool:
    """Return whether a known model was trained on images blurred by optics."""
    try:
        return registry.find(name, scale).family in registry.OPTICAL
    except ValueError:
        return False
