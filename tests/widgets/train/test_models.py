from __future__ import annotations

from napari_sr.runs.model_list import COMPUTED, INCLUDED
from napari_sr.training.config import Data
from napari_sr.training.finetuning.base_model import BaseModel, config_of
from napari_sr.widgets.train.models import FRESH, Fresh, origins

DATA = Data(crop=8, batch=1)


def test_the_network_that_ships_comes_first_and_formulas_are_left_out():
    headings = [model.heading for model in origins()]

    assert headings[0] == INCLUDED
    assert headings[-1] == FRESH
    assert COMPUTED not in headings


def test_every_fresh_network_has_a_recipe_that_starts_from_nothing_at_each_of_its_scales():
    fresh = [model for model in origins() if isinstance(model, Fresh)]

    assert fresh
    for model in fresh:
        assert model.scales
        for scale in model.scales:
            config = config_of(BaseModel("fresh", recipe=model.recipe), scale, DATA, "cells")
            assert (config.scale, config.network.kind) == (scale, model.architecture)
            assert config.start.kind != "checkpoint"
            assert config.adversary is None
