"""The standard GAN's losses: the critic recognises photographs, the generator deceives it.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, https://arxiv.org/abs/1406.2661.
The generator's loss is -log D(result), whose gradient does not vanish where the critic is certain,
as in SRGAN: Ledig et al., CVPR 2017, https://arxiv.org/abs/1609.04802, equation (6). The equation
is a sum over images; this loss is a mean.

With logits l, D = sigmoid(l): -log D = softplus(-l) and -log(1 - D) = softplus(l).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import softplus

from napari_sr.training.losses._loss import judged

if TYPE_CHECKING:
    from torch import Tensor


class Adversarial:
    """Losses of the generator and of the critic, for logits of any shape."""

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return mean -log D(fake), a scalar: small if results pass for photographs."""
        _, fake = judged(real, fake)
        return softplus(-fake).mean()

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return mean -log D(real) + mean -log(1 - D(fake)), small if the critic is right."""
        real, fake = judged(real, fake)
        return softplus(-real).mean() + softplus(fake).mean()


LOSS = Adversarial
