"""Load the network that a model reference names."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from napari_sr import models
from napari_sr.graph.network import Network
from napari_sr.runs import packages
from napari_sr.runs.model import BlendError, ModelReference, SeriesError
from napari_sr.zoo import community, download, recognition
from napari_sr.zoo.blend import blend, check_weight, name_of
from napari_sr.zoo.card import options_in, scale_in, trained_on_grey
from napari_sr.zoo.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from napari_sr.zoo.consistent import Consistent
from napari_sr.zoo.optics import OPTICS, card_tells_optics
from napari_sr.zoo.resized import Resized, enlarging
from napari_sr.zoo.series import Series

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.zoo.registry import Entry


@dataclass(frozen=True)
class Weights:
    """A checkpoint's tensors, scale and options."""

    name: str
    file: Path
    checkpoint: Checkpoint
    scale: int | None
    """The scale; None to infer it from the tensors."""
    options: dict[str, Any]
    """Arguments of the network that cannot be inferred from its tensors."""
    grey: bool | None
    """Whether the network was trained on grey from 0 to 1 instead of luma; None if only the kind of
    network shows it."""


def load(reference: ModelReference, load_one: Callable[[ModelReference], Network]) -> Network:
    """Load a network, a blend or a series, as the reference says; make it consistent if asked.

    Parameters
    ----------
    reference : ModelReference
        The reference to load.
    load_one : callable
        Loads a reference, ignoring its second model.

    Raises
    ------
    ValueError
        If the first model cannot be loaded, the weight is outside 0..1, or the result cannot be
        made consistent.
    BlendError
        If the second model cannot be loaded or blended with the first.
    SeriesError
        If the model after the first cannot be loaded, or cannot read its result.
    """
    network = _load(reference, load_one)
    if reference.then is not None:
        network = _in_series(network, reference.then, load_one)
    factor = reference.factor
    if factor is not None:
        network = enlarging(network, factor, alone=reference.then is None)
    network = Consistent(network).eval() if reference.consistent else network
    return network if factor in (None, network.scale) else Resized(network, factor).eval()


def _load(reference: ModelReference, load_one: Callable[[ModelReference], Network]) -> Network:
    """Load a network or a blend."""
    if reference.second is None:
        return load_one(reference)
    check_weight(reference.weight)  # checked before anything is downloaded
    first, second = load_both(reference, reference.second, load_one)
    try:
        return blend(first, second, reference.weight)
    except ValueError as error:
        raise BlendError(str(error)) from error


def _in_series(
    first: Network, then: ModelReference, load_one: Callable[[ModelReference], Network]
) -> Network:
    """Load the second network of a series, and return both as one."""
    try:
        return Series(first, load(then, load_one)).eval()
    except ValueError as error:
        raise SeriesError(str(error)) from error


def load_both(
    reference: ModelReference,
    other: ModelReference,
    load_one: Callable[[ModelReference], Network],
) -> tuple[Network, Network]:
    """Load the two networks of a blend; the second one gets the scale of the first.

    Raises
    ------
    ValueError
        If the first cannot be loaded.
    BlendError
        If the second cannot be loaded.
    """
    first = load_one(reference)
    try:
        return first, load_one(replace(other, scale=first.scale))
    except ValueError as error:
        own = f"{name_of(first)} ({first.title} x{first.scale})"
        if reference.title:
            own = f"{reference.title} x{first.scale}"
        names = f"{own} cannot be blended with {other.title or other.name}"
        raise BlendError(f"{names}: {error}") from error


def load_one(reference: ModelReference, fetch: Callable[[Entry], Path] | None = None) -> Network:
    """Load the network of a reference, without its second model; set eval mode and provenance.

    Parameters
    ----------
    reference : ModelReference
        The reference. A loaded network is returned unchanged.
    fetch : callable, optional
        Returns the file of a known model; by default downloads it if it is missing.

    Raises
    ------
    ValueError
        If there is no such model or file, or it is not a checkpoint of a known network.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    """
    if isinstance(reference.name, Network):
        return _at_scale(reference.name, reference.scale)
    entry, options = reference.entry, dict(reference.options)
    grey: bool | None
    package = None if entry is not None else packages.package_of(reference)
    if package is not None:
        return packages.load(package, reference)
    if entry is not None and entry.computed:
        file = (fetch or download.fetch)(entry)
        network, sha256 = _computed(entry, options), _sha256(file)
        name, grey = entry.name, network.full_range
    else:
        weights = read(reference, fetch)
        build = community.build if entry is None else recognition.build
        network = build(weights.checkpoint.tensors, scale=weights.scale, **weights.options)
        name, file, grey, sha256 = (
            weights.name, weights.file, weights.grey, weights.checkpoint.sha256,
        )  # fmt: skip
        options = weights.options if entry is None else options
    choice = [*(weights.checkpoint.remarks if entry is None else ()), *_choice_of(network)]
    usual = network.full_range if grey is None else grey
    network.full_range = usual if reference.full_range is None else reference.full_range
    network.provenance = {
        "model": name,
        "scale": network.scale,
        "file": str(file),
        "sha256": sha256,
        "options": options,
    }
    if choice:
        network.provenance[recognition.CHOICE] = choice
    if entry is None and card_tells_optics(weights.checkpoint.card):
        network.provenance[OPTICS] = True
    if reference.full_range is not None:
        network.provenance["full_range"] = reference.full_range
    # with channels last, convolutions on a CPU took 0.6 to 0.8 times as long in all measured
    # networks (benchmarks/cpu/layouts.py); results differ only by rounding
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def read(reference: ModelReference, fetch: Callable[[Entry], Path] | None = None) -> Weights:
    """Read the checkpoint of a reference, ignoring its second model.

    Parameters
    ----------
    reference : ModelReference
        A file, or a known model that has weights.
    fetch : callable, optional
        As for `load_one`.

    Raises
    ------
    ValueError, napari_sr.zoo.download.DownloadError
        As `load_one` does.
    """
    entry, options = reference.entry, dict(reference.options)
    if entry is not None:
        file = (fetch or download.fetch)(entry)
        checkpoint = open_checkpoint(file, entry.sha256)
        given = {**entry.options, **options}
        return Weights(entry.name, file, checkpoint, entry.scale, given, entry.grey)
    file = Path(os.path.expanduser(str(reference.name)))
    checkpoint = open_checkpoint(file)
    scale, options = _with_card(checkpoint.card, file, reference.scale, options)
    return Weights(file.stem, file, checkpoint, scale, options, trained_on_grey(checkpoint.card))


def _choice_of(network: Network) -> list[str]:
    """Return the sentences on which tensors of a file became the network."""
    choice: Any = network.provenance.get(recognition.CHOICE, [])
    return list(choice)


def _at_scale(network: Network, scale: int | None) -> Network:
    if scale not in (None, network.scale):
        raise ValueError(
            f"the network {name_of(network)} needs scale={network.scale} or none, got scale={scale}"
        )
    return network


def _with_card(
    card: dict[str, Any], path: Path, scale: int | None, options: dict[str, Any]
) -> tuple[int | None, dict[str, Any]]:
    """Return scale and options as given, or else as the card of our training has them."""
    if card.get("scale") is None:  # not our card: other programs write cards, too
        return scale, options
    try:
        scale = scale_in(card) if scale is None else scale
        return scale, {**options_in(card), **options}
    except ValueError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error


def _computed(entry: Entry, options: dict[str, Any]) -> Network:
    """Build a known model that has no weights, such as bicubic interpolation."""
    if options:
        raise ValueError(f"{entry.name} has no options, got {options}")
    record = models.architecture(entry.architecture)
    return record.network(scale=entry.scale, **entry.options).eval()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
