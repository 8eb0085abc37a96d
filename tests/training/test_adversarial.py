"""A critic that learns in alternation: who gets which gradient, with which sign."""

from __future__ import annotations

import copy

import pytest
import torch
from trainings import tiny

from napari_sr.training.adversarial import Adversary

CPU = torch.device("cpu")
WGAN = {"kind": "wgan", "options": {"features": 2}}
KINDS = [
    {"kind": "adversarial", "weight": 1.0, "critic": WGAN},
    {"kind": "relativistic", "weight": 1.0, "critic": WGAN},
    {"kind": "wasserstein", "weight": 1.0, "critic": WGAN, "clip": 0.2},
    {"kind": "wasserstein", "weight": 1.0, "critic": WGAN, "penalty": 10.0},
]


def adversary(recipe, **optimiser):
    torch.manual_seed(0)
    recipe = {**recipe, "optimiser": {"kind": "rmsprop", "learning_rate": 1e-3, **optimiser}}
    return Adversary(tiny(adversary=recipe), 1, CPU)


@pytest.fixture
def images():
    """Bright photographs, and dark results."""
    torch.manual_seed(1)
    return 0.8 + 0.2 * torch.rand(4, 1, 16, 16), 0.2 * torch.rand(4, 1, 16, 16)


@pytest.mark.parametrize("recipe", KINDS, ids=lambda one: f"{one['kind']}-{one.get('clip')}")
def test_the_critic_scores_photographs_higher_and_the_network_is_pulled_there(recipe, images):
    critics = adversary(recipe)
    real, fake = images

    losses = [critics.learn(real, fake, step, step).item() for step in range(6)]
    before = copy.deepcopy(critics.critic.state_dict())
    result = fake.clone().requires_grad_()
    critics.judge(real, result).backward()

    assert losses[-1] < losses[0]
    scores = critics.critic.eval()
    with torch.no_grad():
        assert scores(real).mean() > scores(fake).mean()
        towards = fake - 1e-2 * result.grad / result.grad.abs().max()
        assert scores(towards).mean() > scores(fake).mean()
    weights = {key: one for key, one in before.items() if "weight" in key}
    assert all(torch.equal(scores.state_dict()[key], one) for key, one in weights.items())
    assert all(one.requires_grad for one in scores.parameters())


def test_clipping_bounds_every_weight(images):
    critics = adversary(KINDS[2])

    critics.learn(*images, 0, 0)

    assert max(one.abs().max() for one in critics.critic.parameters()) <= 0.2


def test_what_the_penalty_draws_is_the_batchs_own():
    critics = adversary(KINDS[3])

    drawn, again, other = (critics._mix(4, number) for number in (3, 3, 4))

    assert torch.equal(drawn, again)
    assert not torch.equal(drawn, other)


def test_a_critic_goes_on_from_its_state(images):
    one = adversary(KINDS[0])
    one.learn(*images, 0, 0)
    other = adversary(KINDS[0])
    other.restore(copy.deepcopy(one.state()))

    assert torch.equal(one.learn(*images, 1, 1), other.learn(*images, 1, 1))


def test_an_unknown_critic_and_a_wrong_size_are_told():
    with pytest.raises(
        ValueError, match=r"adversary.critic.kind must be one of srgan, .* got 'vgg'"
    ):
        adversary({**KINDS[0], "critic": {"kind": "vgg"}})
    with pytest.raises(
        ValueError, match=r"adversary.critic: esrgan: size must be a multiple of 32 .*, got size=16"
    ):
        adversary({**KINDS[0], "critic": {"kind": "esrgan"}})
