from __future__ import annotations

from napari_sr.runs.model_list import COMPUTED, INCLUDED, ChosenModel, ListedModel
from napari_sr.training.config import Data
from napari_sr.training.finetuning.base_model import config_of
from napari_sr.training.finetuning.config import BaseModel
from napari_sr.training.finetuning.model_list import FRESH, Fresh, base_model_of, base_models

DATA = Data(crop=8, batch=1)


def test_the_network_that_ships_comes_first_and_formulas_are_left_out():
    headings = [model.heading for model in base_models()]

    assert headings[0] == INCLUDED
    assert headings[-1] == FRESH
    assert COMPUTED not in headings


def test_every_fresh_network_has_a_recipe_that_starts_from_nothing_at_each_of_its_scales():
    fresh = [model for model in base_models() if isinstance(model, Fresh)]

    assert fresh
    for model in fresh:
        assert model.scales
        for scale in model.scales:
            config = config_of(BaseModel("fresh", recipe=model.recipe), scale, DATA, "cells")
            assert (config.scale, config.network.kind) == (scale, model.architecture)
            assert config.start.kind != "checkpoint"
            assert config.adversary is None


def test_a_training_begins_with_the_model_that_a_run_would_load():
    model = ListedModel("mine.pth", "mine", "", "", (2,), options=(("input_range", 1.0),))
    choice = ChosenModel(model, 2, (("res_scale", 0.1),))

    base_model = base_model_of(choice)

    assert base_model == BaseModel("mine x2", choice.reference)
    assert dict(base_model.model.options) == {"input_range": 1.0, "res_scale": 0.1}


def test_a_fresh_network_is_named_by_its_recipe_and_misses_nothing():
    fresh = Fresh("fsrcnn", "FSRCNN, fresh", "", "", (2, 3))

    base_model = base_model_of(ChosenModel(fresh, 3))

    assert (base_model.recipe, base_model.missing) == ("fsrcnn-x2", ())
