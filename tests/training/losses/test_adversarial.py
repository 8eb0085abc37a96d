"""The standard GAN's losses, and which way each term pushes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.losses.adversarial import Adversarial


def probability(logits):
    return 1 / (1 + np.exp(-logits))


def test_losses_are_the_papers_logarithms(random):
    real, fake = random.normal(size=(4, 1)), random.normal(size=(3, 1))
    loss, logits = Adversarial(), (torch.from_numpy(real), torch.from_numpy(fake))

    critic = -np.mean(np.log(probability(real))) - np.mean(np.log(1 - probability(fake)))
    assert loss.critic(*logits).item() == pytest.approx(critic, rel=1e-12)
    generator = -np.mean(np.log(probability(fake)))
    assert loss.generator(*logits).item() == pytest.approx(generator, rel=1e-12)


def test_the_critic_raises_photographs_and_lowers_results():
    real, fake = torch.zeros(2, 1, requires_grad=True), torch.zeros(2, 1, requires_grad=True)

    Adversarial().critic(real, fake).backward()

    # descent goes against the gradient
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()


def test_the_generator_raises_results_most_where_the_critic_is_sure():
    fake = torch.tensor([[-9.0], [0.0], [9.0]], requires_grad=True)

    Adversarial().generator(torch.zeros(3, 1), fake).backward()

    assert (fake.grad < 0).all()
    assert fake.grad.flatten().tolist() == sorted(fake.grad.flatten().tolist())
