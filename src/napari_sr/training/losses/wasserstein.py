"""The Wasserstein GAN's losses: the critic's scores measure how far results are from photographs.

Arjovsky et al., "Wasserstein GAN", ICML 2017, https://arxiv.org/abs/1701.07875: algorithm 1, which
bounds the critic by clipping its weights to 0.01.
Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017,
https://arxiv.org/abs/1704.00028: bounds it by a penalty on its gradient, with weight 10.
Both follow the authors' code (martinarjovsky/WassersteinGAN, igul222/improved_wgan_training).
Exception: we clip after each step of the critic, as algorithm 1 does; the code clips before it.

Symbols: N crops, C channels, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.training.losses._loss import compared, judged, precise

if TYPE_CHECKING:
    from torch import Tensor, nn


class Wasserstein:
    """Losses of the generator and of the critic, for unbounded scores of any shape."""

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return mean -score(fake); a scalar."""
        _, fake = judged(real, fake)
        return -fake.mean()

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return mean score(fake) - mean score(real), which the critic minimises."""
        real, fake = judged(real, fake)
        return fake.mean() - real.mean()

    @staticmethod
    @torch.no_grad()
    def clip(critic: nn.Module, limit: float) -> None:
        """Clip every weight of a critic to -limit..limit.

        Raises
        ------
        ValueError
            If the limit is not above 0.
        """
        if not limit > 0:
            raise ValueError(f"the limit for a critic's weights must be above 0, got {limit}")
        for weight in critic.parameters():
            weight.clamp_(-limit, limit)

    @staticmethod
    def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
        """Return the gradient penalty of a critic between photographs and results.

        Parameters
        ----------
        critic : Module
            The critic. Its score of an image must not depend on other images; it runs in float32.
        real, fake : Tensor, (N, C, H, W)
            Photographs and results; neither gets a gradient.
        mix : Tensor, (N, 1, 1, 1)
            Drawn uniformly from 0..1: the share of the photograph in each mixed image.

        Returns
        -------
        Tensor
            mean (|gradient of an image's score| - 1)^2, a scalar, with a gradient for the critic.

        Raises
        ------
        ValueError
            If shapes differ.
        """
        real, fake = compared(real.detach(), fake.detach())
        if mix.shape != (real.shape[0], 1, 1, 1):
            raise ValueError(
                f"mix must have the shape ({real.shape[0]}, 1, 1, 1), got {tuple(mix.shape)}"
            )
        mix = precise(mix)
        with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
            between = (mix * real + (1 - mix) * fake).requires_grad_()
            scores = critic(between).sum()
            (gradient,) = torch.autograd.grad(scores, between, create_graph=True)
            # the root of 0 has an infinite slope, which would give NaN for a flat critic
            length = (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()
            return (length - 1).square().mean()


LOSS = Wasserstein
