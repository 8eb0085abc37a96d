"""The base models in the form's list: networks with weights, and untrained networks of recipes."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from napari_sr.runs.model_list import ChosenModel, ListedModel, known_models
from napari_sr.training import recipe
from napari_sr.training.finetuning.config import BaseModel

FRESH = "Fresh, from a recipe"
"""The heading above untrained networks in the list."""
_RECIPES = MappingProxyType({
    "fsrcnn": ("FSRCNN, fresh", "fsrcnn", "Small and fast; learns in minutes."),
    "edsr-slim": ("EDSR slim, fresh", "edsr", "Larger and better; needs half an hour."),
})  # fmt: skip
"""The recipes that suit a laptop: title, network and summary, by recipe name without scale."""


@dataclass(frozen=True)
class Fresh(ListedModel):
    """A network that has not been trained."""

    @property
    def recipe(self) -> str:
        """The recipe for x2, which serves every scale: others start from trained weights."""
        return f"{self.name}-x2"


def base_models() -> list[ListedModel]:
    """Return all base models: known networks with weights, and untrained networks."""
    known = [model for model in known_models() if not model.computed]
    return [*known, *_fresh()]


def _fresh() -> list[ListedModel]:
    shipped = recipe.names()
    found: list[ListedModel] = []
    for name, (title, architecture, summary) in _RECIPES.items():
        scales = tuple(scale for scale in (2, 3, 4) if f"{name}-x{scale}" in shipped)
        if scales:
            found.append(
                Fresh(name, title, FRESH, f"{summary} It starts untrained.", scales,
                      architecture=architecture)
            )  # fmt: skip
    return found


def base_model_of(choice: ChosenModel) -> BaseModel:
    """Return the base model that the user chose."""
    if isinstance(choice.model, Fresh):
        return BaseModel(choice.label, recipe=choice.model.recipe)
    return BaseModel(choice.label, choice.reference)
