from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.streaming.task_json import model_as_json, model_from_json, settings_from_json


@pytest.mark.parametrize(
    "model",
    [
        ModelReference("fsrcnn", 2),
        ModelReference(Path("/a/own.pth"), 4, (("res_scale", 0.1),), full_range=True),
        ModelReference("edsr-x2", second=ModelReference(Path("/a/b.pth")), weight=0.25),
        ModelReference("fsrcnn-x3", consistent=True),
        ModelReference("fsrcnn", 3, factor=Fraction(108333, 70000)),
        ModelReference(Path("/a/clean.pth"), 1, then=ModelReference("fsrcnn", 2), consistent=True),
    ],
    ids=str,
)
def test_a_model_is_the_same_after_json(model):
    found = model_from_json(json.loads(json.dumps(model_as_json(model))))

    assert (found.label, found.options, found.weight) == (model.label, model.options, model.weight)
    assert (found.factor, type(found.factor)) == (model.factor, type(model.factor))
    assert (found.consistent, found.full_range) == (model.consistent, model.full_range)
    assert model_as_json(found) == model_as_json(model)


@pytest.mark.parametrize(
    ("values", "noise"),
    [(None, None), ((0.0, 4095.0), 3.0), (Percentiles(1, 99), (3.0, 0.5))],
)
def test_settings_are_the_same_after_json(values, noise):
    settings = Settings(tile=48, value_range=values, ensemble=True, border="zeros", noise=noise)

    assert settings_from_json(json.loads(json.dumps(settings.of_result))) == settings
