"""The models to choose from: known models, and checkpoint files that the user opens.

A form lists `ListedModel`s. A `ChosenModel` is the model and the scale that the user picks there.
Its `reference` is the `ModelReference` that a run loads, as for scripts and commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from napari_sr.runs.card_words import card_in_brief, facts_of, short_purpose
from napari_sr.runs.factor import with_factor
from napari_sr.runs.model import ModelReference
from napari_sr.runs.spelling import as_fields
from napari_sr.runs.words import size_in_words
from napari_sr.zoo import imported, registry, trained
from napari_sr.zoo.card import card_of
from napari_sr.zoo.download import local_path
from napari_sr.zoo.training_facts import UNKNOWN, TrainingFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.graph.factor import Factor
    from napari_sr.zoo.model_card import ModelCard

TRAINED, IMPORTED = "Trained here", "Imported files"
INCLUDED, DOWNLOADED, OPENED = "Included", "Downloaded on first use", "Opened files"
COMPUTED = "Interpolation, to compare with"
"""Headings of the list."""


@dataclass(frozen=True)
class ListedModel:
    """One line of the form's list: a model with its scales."""

    name: str
    """The family in the registry, or the path of a checkpoint."""
    title: str
    """The model's name in the list."""
    heading: str
    """The heading above it."""
    summary: str
    """One sentence that helps to choose."""
    scales: tuple[int, ...]
    """The scales that exist, or those to choose from if the file does not show its scale."""
    purpose: str = ""
    """The model's purpose, in a few words after the title; "" if unknown."""
    entries: tuple[registry.Entry, ...] = ()
    """The registry's entries, one per scale; none for a file."""
    scale_is_known: bool = True
    """False if the user must choose one of `scales`."""
    questions: Mapping[str, float | None] = field(default_factory=lambda: MappingProxyType({}))
    """Options that the user must choose, because they cannot be inferred from tensors, each with
    its usual value. None stands for the network's default."""
    options: tuple[tuple[str, Any], ...] = ()
    """Options from the card that our training wrote; they cannot be inferred from tensors."""
    architecture: str = ""
    """Name of the network in `models.names`. Only checkpoints of the same network can be
    blended."""
    grey: bool = False
    """Whether the model was trained on grey from 0 to 1 instead of luma; the same for both models
    of a blend."""
    own_training: TrainingFacts = UNKNOWN
    """Facts from a file's card on how its network was trained."""
    remarks: tuple[str, ...] = ()
    """Sentences on which of a file's weights were chosen, and what was ignored."""
    card: ModelCard | None = None
    """The card of a file, empty if there is none; None for known and trained models."""
    other_unit: bool = False
    """Whether results may have another unit than the image, as those of some model packages."""

    @property
    def line(self) -> str:
        """The text in the list: the title and the purpose."""
        return f"{self.title}: {self.purpose}" if self.purpose else self.title

    @property
    def computed(self) -> bool:
        """Whether the model has no weights, such as bicubic interpolation."""
        return any(entry.computed for entry in self.entries)

    def training(self, scale: int | None = None) -> TrainingFacts:
        """Return facts on how the model was trained; those of one scale if it is given."""
        if not self.entries:
            return self.own_training
        found = None if scale is None else self.entry(scale)
        return (found or self.entries[0]).training

    def entry(self, scale: int) -> registry.Entry | None:
        """Return the registry's entry for a scale, or None for a file."""
        return next((entry for entry in self.entries if entry.scale == scale), None)


@dataclass(frozen=True)
class ChosenModel:
    """A listed model, its scale, the answers to its questions, and further models."""

    model: ListedModel
    scale: int
    options: tuple[tuple[str, float], ...] = ()
    second: ChosenModel | None = None
    """The second model of a blend, or None."""
    weight: float = 0.0
    """Share of the second, in 0..1."""
    consistent: bool = False
    """Whether the result is made consistent with its source."""
    then: ChosenModel | None = None
    """The model that reads the result of this one, or None."""
    factor: Factor | None = None
    """Enlargement of the result if it is shrunk, or None."""

    @property
    def enlargement(self) -> Factor:
        """How many times larger the result is than the source."""
        if self.factor is not None:
            return self.factor
        return self.scale if self.then is None else self.scale * self.then.enlargement

    @property
    def label(self) -> str:
        """Title and scale, without repeating the scale, as in the name of a result."""
        return self.reference.label

    @property
    def entry(self) -> registry.Entry | None:
        """The registry's entry, or None for a file."""
        return self.model.entry(self.scale)

    @property
    def reference(self) -> ModelReference:
        """The model that a run loads."""
        if self.entry is None:
            answers = {**dict(self.model.options), **dict(self.options)}
            alone = ModelReference(Path(self.model.name), self.scale, tuple(answers.items()))
        else:
            alone = ModelReference(self.entry.name, self.scale)
        second = None if self.second is None else self.second.reference
        blended = replace(alone, second=second, weight=self.weight, title=self.model.title)
        then = None if self.then is None else self.then.reference
        whole = replace(blended, consistent=self.consistent, then=then)
        if self.factor is None:
            return whole
        if self.entry is not None and second is None:  # any scale of the family
            whole = replace(whole, name=self.model.name, scale=None)
        return with_factor(whole, self.factor)

    def blended(self, second: ListedModel, weight: float) -> ChosenModel:
        """Return this model blended with a second one, which gets the same answers."""
        options = self.options if self.entry is None else tuple(self.entry.options.items())
        return replace(self, second=ChosenModel(second, self.scale, options), weight=weight)


def known_models() -> list[ListedModel]:
    """Return the registry's models, each with all its scales, and the user's own networks.

    Models that are part of napari-sr come first. Then come the user's networks, those trained here
    before imported files, then downloads, and finally models without weights.
    """
    families: dict[str, list[registry.Entry]] = {}
    for entry in registry.entries():
        families.setdefault(entry.family, []).append(entry)
    models = [_known(family, entries) for family, entries in families.items()]
    models += [_trained(network) for network in trained.networks()]
    models += [_imported(file) for file in imported.files()]
    order = INCLUDED, TRAINED, IMPORTED, DOWNLOADED, COMPUTED
    return sorted(models, key=lambda model: order.index(model.heading))


def _known(family: str, entries: list[registry.Entry]) -> ListedModel:
    by_scale = tuple(sorted(entries, key=lambda entry: entry.scale))
    return ListedModel(
        name=family,
        title=re.sub(r" x\d+$", "", by_scale[0].title),
        heading=_heading(by_scale[0]),
        summary=by_scale[0].summary,
        purpose=by_scale[0].purpose,
        scales=tuple(entry.scale for entry in by_scale),
        entries=by_scale,
        architecture=by_scale[0].architecture,
        grey=by_scale[0].grey,
    )


def _trained(network: trained.Trained) -> ListedModel:
    return ListedModel(
        name=str(network.path),
        title=network.name,
        heading=TRAINED,
        summary=network.summary,
        scales=(network.scale,),
        options=tuple(network.options.items()),
        architecture=network.architecture,
        grey=network.grey,
        own_training=network.training,
    )


def _imported(file: imported.Imported) -> ListedModel:
    about = file.about
    return ListedModel(
        name=str(file.path),
        title=file.name,
        heading=IMPORTED,
        summary=about.summary,
        scales=about.scales,
        scale_is_known=about.scale_is_known,
        questions=MappingProxyType(about.questions),
        options=tuple(about.options.items()),
        architecture=about.architecture,
        grey=about.grey,
        remarks=about.remarks,
        card=about.card,
        other_unit=about.other_unit,
        purpose=short_purpose(about.card),
        own_training=facts_of(card_of(file.path), about.card),
    )


def _heading(entry: registry.Entry) -> str:
    if entry.computed:
        return COMPUTED
    return DOWNLOADED if entry.url else INCLUDED


def about(model: ListedModel) -> str:
    """Return a model's summary, and its size, licence and training images if they are known."""
    if not model.entries:
        restores = ("Restores images, does not enlarge them.",) * (model.scales == (1,))
        card = card_in_brief(model.card)
        remarks = map(as_fields, model.remarks)
        words = *restores, model.summary, card, *remarks, model.name
        return " ".join(words)
    entry = model.entries[0]
    if entry.computed:
        return f"{model.summary} (Included; it has no weights.)"
    here = "included" if entry.url is None else "on this machine"
    where = "to download once" if local_path(entry) is None else here
    facts = [f"{size_in_words(entry.size)}, {where}", f"licence: {entry.licence}"]
    return f"{model.summary} ({'; '.join(facts)}; trained on: {entry.trained_on}.)"
