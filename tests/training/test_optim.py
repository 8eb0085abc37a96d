"""A step of an optimiser: rates, clipping, precision, state."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from trainings import tiny

from napari_sr.training.config import Optimiser
from napari_sr.training.optim import OptimizerStep

CPU = torch.device("cpu")


def descent(module, recipe=None, **changes):
    config = tiny(**changes)
    return OptimizerStep(module, recipe or config.optimiser, config, CPU)


def test_a_step_has_the_schedules_rate_and_each_parts_own():
    module = nn.ModuleDict(
        {"body": nn.Linear(1, 1, bias=False), "tail": nn.Linear(1, 1, bias=False)}
    )
    recipe = Optimiser("sgd", rate=1.0, slower={"tail": 0.1})
    schedule = {"kind": "step", "at": [1], "factor": 0.5}
    before = copy.deepcopy(module)
    descends = descent(module, recipe, schedule=schedule)

    for step in (0, 1):
        descends.step(module["body"].weight.sum() + module["tail"].weight.sum(), step)

    assert (before["body"].weight - module["body"].weight).item() == pytest.approx(1.5)
    assert (before["tail"].weight - module["tail"].weight).item() == pytest.approx(0.15)


def test_a_gradient_is_clipped_to_its_norm():
    module = nn.Linear(4, 1, bias=False)
    before = module.weight.detach().clone()
    descends = descent(module, Optimiser("sgd", rate=1.0), run={"clip": 0.5})

    descends.step(module(torch.full((1, 4), 100.0)).sum(), 0)

    assert (before - module.weight).norm().item() == pytest.approx(0.5, rel=1e-4)
    assert descends.norm.item() == pytest.approx(200)
    assert descends.healthy()


def test_a_gradient_without_bounds_is_no_healthy_one():
    module = nn.Linear(1, 1)
    descends = descent(module)

    descends.step(module(torch.full((1, 1), torch.inf)).sum(), 0)

    assert not descends.healthy()


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimiser_goes_on_from_its_state(kind):
    torch.manual_seed(0)
    module, data = nn.Linear(3, 2), torch.rand(4, 3)
    recipe = Optimiser(kind, rate=0.01, decay=0.01)
    one = descent(module, recipe)
    for step in range(3):
        one.step(module(data).square().sum(), step)
    twin, state = copy.deepcopy(module), copy.deepcopy(one.state())
    other = descent(twin, recipe)
    other.restore(state)

    one.step(module(data).square().sum(), 3)
    other.step(twin(data).square().sum(), 3)

    assert torch.equal(module.weight, twin.weight)


def test_half_precision_computes_in_it_and_keeps_weights_in_float32():
    module = nn.Linear(3, 2)
    descends = descent(module, run={"precision": "bfloat16"})

    with descends.autocast():
        result = module(torch.rand(1, 3))

    assert result.dtype == torch.bfloat16
    assert module.weight.dtype == torch.float32


def test_a_part_that_no_weight_has_is_told():
    recipe = Optimiser(slower={"tale": 0.1})

    with pytest.raises(ValueError, match=r"optimiser.slower .* such as weight, bias, got tale"):
        descent(nn.Linear(1, 1), recipe)
