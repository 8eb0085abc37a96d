"""The relativistic average GAN's losses, and which way each term pushes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.losses.relativistic import Relativistic


def probability(logits):
    return 1 / (1 + np.exp(-logits))


def test_losses_are_the_papers_logarithms(random):
    real, fake = random.normal(size=(4, 1)), random.normal(size=(3, 1))
    loss, logits = Relativistic(), (torch.from_numpy(real), torch.from_numpy(fake))

    of_real, of_fake = probability(real - fake.mean()), probability(fake - real.mean())
    critic = -np.mean(np.log(of_real)) - np.mean(np.log(1 - of_fake))
    assert loss.critic(*logits).item() == pytest.approx(critic, rel=1e-12)
    generator = -np.mean(np.log(1 - of_real)) - np.mean(np.log(of_fake))
    assert loss.generator(*logits).item() == pytest.approx(generator, rel=1e-12)


@pytest.mark.parametrize("side", ["critic", "generator"])
def test_each_side_pushes_photographs_and_results_apart_its_way(side):
    real, fake = torch.zeros(2, 1, requires_grad=True), torch.zeros(2, 1, requires_grad=True)

    getattr(Relativistic(), side)(real, fake).backward()

    sign = 1 if side == "critic" else -1
    assert (sign * real.grad < 0).all()
    assert (sign * fake.grad > 0).all()


@pytest.mark.parametrize("side", ["critic", "generator"])
def test_only_the_difference_counts(side):
    real, fake = torch.randn(3, 1), torch.randn(3, 1)
    loss = getattr(Relativistic(), side)

    torch.testing.assert_close(loss(real, fake), loss(real + 7, fake + 7), atol=1e-5, rtol=0)
