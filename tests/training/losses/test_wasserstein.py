"""The Wasserstein GAN's losses, clipping and gradient penalty."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_sr.training.discriminators import wgan
from napari_sr.training.losses.wasserstein import Wasserstein


class Square(nn.Module):
    """A critic whose gradient is known: 2 w x."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.7, dtype=torch.float64))

    def forward(self, images):
        return (self.weight * images.square()).flatten(1).sum(1, keepdim=True)


def test_losses_are_differences_of_mean_scores(random):
    real, fake = random.normal(size=(4, 1)), random.normal(size=(3, 1))
    loss, scores = Wasserstein(), (torch.from_numpy(real), torch.from_numpy(fake))

    assert loss.critic(*scores).item() == pytest.approx(fake.mean() - real.mean(), rel=1e-12)
    assert loss.generator(*scores).item() == pytest.approx(-fake.mean(), rel=1e-12)


def test_the_critic_raises_photographs_and_lowers_results_and_the_generator_raises_them():
    real, fake = torch.zeros(2, 1, requires_grad=True), torch.zeros(2, 1, requires_grad=True)

    Wasserstein().critic(real, fake).backward()
    assert (real.grad.tolist(), fake.grad.tolist()) == ([[-0.5]] * 2, [[0.5]] * 2)

    fake.grad = None
    Wasserstein().generator(real, fake).backward()
    assert fake.grad.tolist() == [[-0.5]] * 2


def test_clipping_leaves_no_weight_beyond_its_limit_and_others_as_they_are():
    critic = nn.Linear(2, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[0.5, -0.004]]))
        critic.bias.fill_(-3)

    Wasserstein.clip(critic, 0.01)

    assert critic.weight.flatten().tolist() == pytest.approx([0.01, -0.004])
    assert critic.bias.item() == pytest.approx(-0.01)
    with pytest.raises(ValueError, match="must be above 0, got 0"):
        Wasserstein.clip(critic, 0)


def test_penalty_is_the_squared_distance_of_gradients_from_1(random):
    real, fake = random.random((2, 3, 1, 2, 2))
    mix = random.random((3, 1, 1, 1))
    critic = Square()

    penalty = Wasserstein.gradient_penalty(critic, *map(torch.from_numpy, (real, fake, mix)))
    penalty.backward()

    between = mix * real + (1 - mix) * fake
    lengths = 2 * 0.7 * np.sqrt((between**2).sum((1, 2, 3)))
    assert penalty.item() == pytest.approx(np.mean((lengths - 1) ** 2), rel=1e-9)
    slope = np.mean(2 * (lengths - 1) * lengths / 0.7)
    assert critic.weight.grad.item() == pytest.approx(slope, rel=1e-9)


def test_penalty_looks_at_photographs_where_mix_is_1():
    real, fake = torch.full((1, 1, 2, 2), 1.0), torch.zeros(1, 1, 2, 2)

    values = [
        Wasserstein.gradient_penalty(Square(), real, fake, torch.full((1, 1, 1, 1), mix)).item()
        for mix in (0.0, 1.0)
    ]

    # gradients of length 0 at the result, and of 2 * 0.7 * 2 at the photograph
    assert values == pytest.approx([1, 1.8**2], rel=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_penalty_of_a_flat_critic_under_half_precision_is_finite(dtype):
    critic = wgan(size=16, channels=1, features=2)
    for weight in critic.parameters():
        nn.init.zeros_(weight)
    images = torch.rand(2, 1, 16, 16).to(dtype)

    with torch.autocast("cpu", dtype=dtype):
        penalty = Wasserstein.gradient_penalty(critic, images, images, torch.rand(2, 1, 1, 1))
    penalty.backward()

    assert penalty.item() == pytest.approx(1, abs=1e-5)
    grads = [weight.grad for weight in critic.parameters() if weight.grad is not None]
    assert all(grad.isfinite().all() for grad in grads)


def test_penalty_leaves_the_generator_alone():
    fake = torch.rand(1, 1, 2, 2, requires_grad=True)

    Wasserstein.gradient_penalty(
        Square(), torch.rand(1, 1, 2, 2), fake, torch.rand(1, 1, 1, 1)
    ).backward()

    assert fake.grad is None


def test_a_mix_for_other_images_is_refused():
    images = torch.rand(2, 1, 4, 4)

    with pytest.raises(
        ValueError, match=r"mix must have the shape \(2, 1, 1, 1\), got \(1, 1, 1, 1\)"
    ):
        Wasserstein.gradient_penalty(Square(), images, images, torch.rand(1, 1, 1, 1))
