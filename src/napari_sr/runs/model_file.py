"""Recognise a checkpoint file, and import it into the folder of the user's networks."""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from napari_sr.runs import packages
from napari_sr.runs.card_words import facts_of, short_purpose
from napari_sr.runs.model_list import OPENED, ListedModel
from napari_sr.zoo import imported, trained
from napari_sr.zoo.card import LONGEST_TEXT, options_in, scale_in, trained_on_grey
from napari_sr.zoo.card_files import card_for
from napari_sr.zoo.model_card import NO_CARD

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.graph.foreign import Foreign
    from napari_sr.graph.network import Architecture, Options
    from napari_sr.zoo.checkpoint import Checkpoint

SCALES_TO_OFFER = (2, 3, 4, 8)
"""Scales to offer if a checkpoint's scale cannot be inferred from its tensors."""


def inspect_checkpoint(path: Path) -> ListedModel:
    """Recognise the network of a checkpoint file. This is too slow for the GUI thread.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, or its network is unknown.
    OSError
        If the file cannot be read.
    """
    from napari_sr.zoo.checkpoint import open_checkpoint

    package = packages.listed(path)
    return _with_card(path, open_checkpoint(path)) if package is None else package


def _with_card(path: Path, checkpoint: Checkpoint) -> ListedModel:
    """Return the model in a checkpoint with the facts of its card, see `zoo.card_files`."""
    card, place = card_for(path, checkpoint.sha256)
    found = _recognised(path, checkpoint)
    remarks = found.remarks
    if card.scale is not None and not found.scale_is_known:
        found = replace(found, scales=(card.scale,), scale_is_known=True)
    elif card.scale is not None and card.scale not in found.scales:
        exists = ", ".join(f"x{scale}" for scale in found.scales)
        remarks += (f"Its card ({place}) says x{card.scale}, but its tensors show {exists}.",)
    return replace(
        found,
        card=card,
        purpose=short_purpose(card),
        own_training=facts_of(checkpoint.card, card),
        remarks=remarks,
    )


def _recognised(path: Path, checkpoint: Checkpoint) -> ListedModel:
    """Return the model in a checkpoint that was read from a path."""
    from napari_sr.zoo import community, recognition

    state = checkpoint.tensors
    try:
        record, _, found = recognition.recognise(state)
    except recognition.UnknownNetworkError as error:
        return _foreign(path, community.find(state, error), checkpoint.remarks)
    recognition.check_channels(record, found)
    parameters = inspect.signature(record.network).parameters.values()
    questions = {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.name not in found and "float" in str(parameter.annotation)
    }
    scale, options = _in_card(checkpoint.card)
    scales = (found["scale"],) if "scale" in found else found.get("scales", scale)
    return ListedModel(
        name=str(path),
        title=path.stem,
        heading=OPENED,
        summary=f"{record.title}. {record.summary}",
        scales=scales or SCALES_TO_OFFER,
        scale_is_known=scales is not None,
        questions=MappingProxyType(
            {key: usual for key, usual in questions.items() if key not in options}
        ),
        options=tuple(options.items()),
        architecture=record.network.__module__.rpartition(".")[2],
        grey=_takes_grey(record, found, checkpoint.card),
        remarks=(
            *checkpoint.remarks,
            *recognition.remarks_on(state),
            *recognition.assumptions(record, {**found, **dict(options)}),
        ),
    )


def _takes_grey(record: Architecture, found: Options, card: dict[str, Any]) -> bool:
    """Return whether the network takes one channel of grey from 0 to 1 instead of luma."""
    told = trained_on_grey(card)
    one = found.get("channels") == 1
    return (one and record.network.full_range) if told is None else told


def _in_card(card: dict[str, Any]) -> tuple[tuple[int, ...] | None, dict[str, Any]]:
    """Return scale and options in the card of our training; None and {} without such a card."""
    scale = scale_in(card) if "scale" in card else None
    return (None, {}) if scale is None else ((scale,), options_in(card))


def _foreign(path: Path, network: Foreign, remarks: tuple[str, ...]) -> ListedModel:
    from napari_sr.zoo.recognition import CHOICE

    choice: Any = network.provenance.get(CHOICE, ())
    more = " If possible, compute each plane in a single tile." if network.whole else ""
    return ListedModel(
        name=str(path),
        title=path.stem,
        heading=OPENED,
        summary=f"{network.title}. Not a network of napari-sr: tiles may leave seams.{more}",
        scales=(network.scale,),
        architecture=network.title,
        remarks=(*remarks, *choice),
    )


def import_file(path: Path) -> Path:
    """Copy a checkpoint file into the folder of the user's networks; return the copy's path.

    The copy has the same content. It has the same name, or a similar one if that name is taken. A
    file whose content is already there is not copied again. This is too slow for the GUI thread.

    Parameters
    ----------
    path : Path
        The file; its network is recognised by its tensors.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, its network is unknown, or it changes meanwhile.
    OSError
        If the file cannot be read or copied.
    """
    from napari_sr.zoo.checkpoint import open_checkpoint

    package = packages.import_package(path)
    if package is not None:
        return package
    checkpoint = open_checkpoint(path)
    found = _with_card(path, checkpoint)
    size = path.stat().st_size
    place = imported.twin_of(checkpoint.sha256, size)
    if place is None:
        place = imported.free_path(path.name)
        imported.keep(path, place, checkpoint.sha256)
    if trained.is_listed(place):
        return place
    about = imported.Description(
        origin=path.name[-LONGEST_TEXT:],
        sha256=checkpoint.sha256,
        size=size,
        architecture=found.architecture,
        summary=found.summary[:LONGEST_TEXT],
        scales=found.scales,
        scale_is_known=found.scale_is_known,
        parameters=sum(value.numel() for value in checkpoint.tensors.values()),
        grey=found.grey,
        questions=dict(found.questions),
        options=dict(found.options),
        remarks=tuple(remark[:LONGEST_TEXT] for remark in found.remarks),
        card=found.card or NO_CARD,
    )
    imported.describe(place, about)
    return place
