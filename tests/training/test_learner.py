"""A step, and everything that it changes."""

from __future__ import annotations

import copy

import pytest
import torch
from trainings import CRITIC, SRGAN, tiny

from napari_sr.training.learner import Learner, build

CPU = torch.device("cpu")
MDSR = {"kind": "mdsr", "options": {"features": 4, "blocks": 1}}


def draw(channels, scale=2):
    """Return batches that are functions of their number."""

    def batch(number):
        torch.manual_seed(number)
        hr = torch.rand(2, channels, 8 * scale, 8 * scale)
        return torch.nn.functional.avg_pool2d(hr, scale), hr

    return batch


def test_a_step_lowers_the_loss_and_the_mean_follows():
    learner = Learner(tiny(run={"steps": 8, "ema": 0.5}, optimiser={"learning_rate": 0.01}), CPU)
    batch = draw(1)

    losses = [learner.learn(step, lambda _: batch(0))["loss"].item() for step in range(8)]

    assert losses[-1] < losses[0]
    assert learner.result is learner.average.network
    assert not torch.equal(learner.result.enlarge.weight, learner.network.enlarge.weight)


def test_the_critic_sees_crops_of_its_own_and_the_network_the_last():
    recipe = {"kind": "relativistic", "weight": 0.1, "critic": CRITIC, "steps": 3}
    learner = Learner(tiny(adversary=recipe), CPU)
    asked, batch = [], draw(1)

    found = learner.learn(4, lambda number: asked.append(number) or batch(number))

    assert asked == [12, 13, 14]
    assert {"loss", "l1", "adversary", "critic", "healthy"} == set(found)
    expected = found["l1"] + 0.1 * found["adversary"]
    torch.testing.assert_close(found["loss"], expected)


def test_a_network_of_several_scales_learns_one_each_step():
    learner = Learner(tiny(network=MDSR, scales=[2, 3]), CPU)
    before = copy.deepcopy(learner.network.state_dict())
    scales = [learner.scale_of(step) for step in range(20)]

    learner.learn(0, draw(3, scales[0]))

    assert {*scales} == {2, 3}
    after = learner.network.state_dict()
    own = [key for key in after if key.startswith("enlarge")]
    changed = {key.split(".")[1] for key in own if not torch.equal(after[key], before[key])}
    assert changed == {f"x{scales[0]}"}


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_whatever_scale_a_step_drew_the_result_has_the_recipes(ema):
    learner = Learner(tiny(network=MDSR, scales=[2, 3], run={"steps": 20, "ema": ema}), CPU)
    step = next(step for step in range(20) if learner.scale_of(step) == 3)

    learner.learn(step, draw(3, 3))

    assert learner.result.scale == 2
    assert learner.result(torch.rand(1, 3, 4, 4)).shape[-1] == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": {"kind": "vdsr", "options": {}}}, "there is no network 'vdsr'"),
        ({"network": {"kind": "interpolation", "options": {}}}, "must have weights to train"),
        (
            {"network": {"options": {"depth": 3}}},
            "network.options.depth must be an option of fsrcnn",
        ),
    ],
)
def test_a_network_that_cannot_be_trained_is_told(changes, message):
    with pytest.raises(ValueError, match=message):
        build(tiny(**changes))


def test_the_same_seed_builds_the_same_network():
    first, second, other = (build_of(seed) for seed in (1, 1, 2))

    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def build_of(seed):
    return Learner(tiny(run={"seed": seed}), CPU).network.enlarge.weight


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_learner_goes_on_from_its_state(precision):
    recipe = {"kind": "adversarial", "weight": 0.1, "critic": CRITIC}
    config = tiny(network=SRGAN, adversary=recipe, run={"ema": 0.9, "precision": precision})
    one, batch = Learner(config, CPU), draw(3)
    one.learn(0, batch)
    other = Learner(config, CPU, fresh=False)
    other.restore(copy.deepcopy(one.state()))

    one.learn(1, batch)
    other.learn(1, batch)

    mine, theirs = one.state(), other.state()
    for part in ("network", "average"):
        assert all(torch.equal(mine[part][key], theirs[part][key]) for key in mine[part])
    critics = (mine["adversary"]["critic"], theirs["adversary"]["critic"])
    assert all(torch.equal(critics[0][key], critics[1][key]) for key in critics[0])
