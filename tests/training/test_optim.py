"""A step of an optimiser: rates, clipping, precision, state."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from trainings import tiny

from napari_sr.models.srgan import SRGAN
from napari_sr.training.optim import EMA, OptimizerStep, rate_factor
from napari_sr.training.optim_config import Optimiser, Schedule

CPU = torch.device("cpu")


def descent(module, recipe=None, **changes):
    config = tiny(**changes)
    return OptimizerStep(module, recipe or config.optimiser, config, CPU)


def test_a_step_has_the_schedules_rate_and_each_parts_own():
    module = nn.ModuleDict(
        {"body": nn.Linear(1, 1, bias=False), "tail": nn.Linear(1, 1, bias=False)}
    )
    recipe = Optimiser("sgd", learning_rate=1.0, lr_scale={"tail": 0.1})
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
    descends = descent(module, Optimiser("sgd", learning_rate=1.0), run={"clip": 0.5})

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
    recipe = Optimiser(kind, learning_rate=0.01, decay=0.01)
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
    recipe = Optimiser(lr_scale={"tale": 0.1})

    with pytest.raises(ValueError, match=r"optimiser.lr_scale .* such as weight, bias, got tale"):
        descent(nn.Linear(1, 1), recipe)


def test_a_cosine_rises_evenly_then_falls_to_its_floor():
    schedule = Schedule("cosine", warm_up=4, floor=0.1)

    rates = [rate_factor(schedule, step, 1000) for step in (0, 1, 4, 500, 1000)]

    assert rates == pytest.approx([0.2, 0.4, 1, 0.55, 0.1], abs=1e-3)


@pytest.mark.parametrize(
    "schedule", [Schedule("step", every=10, factor=0.5), Schedule("step", at=(10, 20), factor=0.5)]
)
def test_steps_fall_at_their_times(schedule):
    rates = [rate_factor(schedule, step, 30) for step in (0, 9, 10, 19, 20)]

    assert rates == [1, 1, 0.5, 0.5, 0.25]


def test_a_constant_stays():
    assert rate_factor(Schedule(), 7, 10) == 1


def test_the_mean_is_the_geometric_one_of_all_weights_and_copies_moments():
    network = SRGAN(scale=2, features=2, blocks=1)
    average = EMA(network, 0.9)
    expected = network.tail.weight.detach().double()

    for step in range(30):
        with torch.no_grad():
            network.tail.weight += 1
            network.blocks[0].first.norm.running_mean += 1
        average.follow(network, step)
        decay = min(0.9, (step + 1) / (step + 10))
        expected = decay * expected + (1 - decay) * network.tail.weight.double()

    torch.testing.assert_close(average.network.tail.weight.double(), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(average.network.blocks[0].first.norm.running_mean, torch.full((2,), 30.0))
    assert not average.network.training
    assert not average.network.tail.weight.requires_grad
