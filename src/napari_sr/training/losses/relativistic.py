"""The relativistic average GAN's losses: they compare a photograph with the mean of the results.

Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN",
ICLR 2019, https://arxiv.org/abs/1807.00734. Used in ESRGAN: Wang et al., ECCV Workshops 2018,
https://arxiv.org/abs/1809.00219, equations (1) and (2).

With logits l, D(l, others) = sigmoid(l - mean of the others).
The two terms are summed, as in ESRGAN's paper; its code (XPixelGroup/BasicSR, esrgan_model.py)
averages them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import softplus

from napari_sr.training.losses._loss import judged

if TYPE_CHECKING:
    from torch import Tensor


class Relativistic:
    """Losses of the generator and of the critic, for logits of any shape."""

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return mean -log(1 - D(real, fakes)) + mean -log D(fake, reals); a scalar."""
        real, fake = judged(real, fake)
        return softplus(real - fake.mean()).mean() + softplus(real.mean() - fake).mean()

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return mean -log D(real, fakes) + mean -log(1 - D(fake, reals)); a scalar."""
        real, fake = judged(real, fake)
        return softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()


LOSS = Relativistic
