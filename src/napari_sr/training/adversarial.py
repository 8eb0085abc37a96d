"""Adversarial training: each step trains a critic (discriminator), then the network.

Goodfellow et al., "Generative Adversarial Networks", 2014, https://arxiv.org/abs/1406.2661
WGAN: Arjovsky et al., ICML 2017, https://arxiv.org/abs/1701.07875, algorithm 1
Gradient penalty: Gulrajani et al., NeurIPS 2017, https://arxiv.org/abs/1704.00028, algorithm 1
Relativistic average: Jolicoeur-Martineau, ICLR 2019, https://arxiv.org/abs/1807.00734

Symbols: N crops, C channels, P pixels along an HR crop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_sr.training import discriminators
from napari_sr.training.build import make, named
from napari_sr.training.objective import LOSSES
from napari_sr.training.optim import OptimizerStep

if TYPE_CHECKING:
    from napari_sr.training.config import Config

CRITICS = {"srgan": discriminators.srgan, "esrgan": discriminators.esrgan,
           "wgan": discriminators.wgan}  # fmt: skip
_MIXES = 1
"""Last element of the seed. Because of it, the penalty's random numbers differ from the crops'."""


class Adversary:
    """A critic, its loss and its optimiser.

    Parameters
    ----------
    config : Config
        Settings of the training run, which must include an adversary.
    channels : int
        The network's image channels C.
    device : torch.device
        Device of the critic.
    rank : int
        Index of this process among the processes that train together, from 0.

    Raises
    ------
    ValueError
        If the recipe's critic is unknown, or does not fit the size of the crops.
    """

    def __init__(self, config: Config, channels: int, device: torch.device, rank: int = 0) -> None:
        recipe = config.adversary
        if recipe is None:
            raise ValueError(f"adversarial training needs an adversary; {config.name} has none")
        self.recipe = recipe
        self.seeds = (config.run.seed, rank)
        self.loss: Any = named(LOSSES, "LOSS", recipe.kind, "adversary.kind")()
        build = CRITICS.get(recipe.critic.kind)
        if build is None:
            raise ValueError(
                f"adversary.critic.kind must be one of {', '.join(CRITICS)}, "
                f"got {recipe.critic.kind!r}"
            )
        given: dict[str, Any] = {"size": config.scale * config.data.crop, "channels": channels}
        if recipe.critic.kind == "srgan":
            given["sigmoid"] = False  # the losses take logits
        self.critic: nn.Module = make(build, recipe.critic, "adversary.critic", **given).to(device)
        self.descent = OptimizerStep(self.critic, recipe.optimiser, config, device)

    def learn(self, real: Tensor, fake: Tensor, step: int, number: int) -> Tensor:
        """Train the critic for one step.

        Parameters
        ----------
        real, fake : Tensor, (N, C, P, P)
            HR crops, and the network's results; neither gets gradients.
        step : int
            Number of the network's step, which determines the learning rate.
        number : int
            Number of this batch, which seeds the gradient penalty's random numbers.

        Returns
        -------
        Tensor
            The critic's loss, a scalar.
        """
        fake = fake.detach().float()
        with self.descent.autocast():
            loss = self._value(self.critic(real), self.critic(fake))
        if self.recipe.penalty:
            mix = self._mix(len(real), number).to(real)
            penalty = self.loss.gradient_penalty(self.critic, real, fake, mix)
            loss = loss + self.recipe.penalty * penalty
        self.descent.step(loss, step)
        if self.recipe.clip:
            self.loss.clip(self.critic, self.recipe.clip)
        return loss.detach()

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the network's adversarial loss, unweighted; the critic gets no gradients."""
        self.critic.requires_grad_(False)
        try:
            with self.descent.autocast():
                # only the relativistic loss uses the logits of real images
                logits = self.critic(real), self.critic(fake.float())
            loss: Tensor = self.loss.generator(*(one.float() for one in logits))
        finally:
            self.critic.requires_grad_(True)
        return loss

    def _value(self, real: Tensor, fake: Tensor) -> Tensor:
        loss: Tensor = self.loss.critic(real.float(), fake.float())
        return loss

    def _mix(self, crops: int, number: int) -> Tensor:
        """Draw the share of the HR crop in each mixed crop, (N, 1, 1, 1)."""
        random = np.random.default_rng((*self.seeds, number, _MIXES))
        return torch.from_numpy(random.random((crops, 1, 1, 1)))

    def state(self) -> dict[str, Any]:
        """Return the state that resuming needs."""
        return {"critic": self.critic.state_dict(), "descent": self.descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state that `state` returned."""
        self.critic.load_state_dict(state["critic"])
        self.descent.restore(state["descent"])
