"""A network with everything that a training step changes: optimiser, running mean, critic.

Symbols: N crops, C channels, H x W pixels, S scale.
"""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from napari_sr import models
from napari_sr.training import distributed
from napari_sr.training.adversarial import Adversary
from napari_sr.training.build import make
from napari_sr.training.initialisation import prepare
from napari_sr.training.measurement import measurement_of
from napari_sr.training.objective import Objective, Predictor
from napari_sr.training.optim import EMA, OptimizerStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.graph.network import Network
    from napari_sr.training.config import Config

    Draw: TypeAlias = Callable[[int], tuple[Tensor, Tensor]]


def build(config: Config) -> Network:
    """Build a recipe's network with newly initialised weights, in training mode.

    Raises
    ------
    ValueError
        If the network is unknown or has no weights, or an option is wrong.
    """
    kind = models.architecture(config.network.kind).network
    given: dict[str, Any] = {"scale": config.scale}
    if config.scales and "scales" in inspect.signature(kind).parameters:
        given["scales"] = config.scales
    network: Network = make(kind, config.network, "network", **given)
    if next(network.parameters(), None) is None:
        raise ValueError(f"network.kind must have weights to train, got {config.network.kind!r}")
    return network


class Learner:
    """A network with its optimiser, running mean and adversary.

    Parameters
    ----------
    config : Config
        Settings of the training run.
    device : torch.device
        Device that computes.
    rank : int
        Index of this process, from 0; all processes have the same weights and get different crops.
    fresh : bool
        Whether to initialise the weights as `config.start` says; False if a state will be restored.

    Raises
    ------
    ValueError
        If a component of the recipe does not exist or does not fit.
    """

    def __init__(
        self, config: Config, device: torch.device, rank: int = 0, *, fresh: bool = True
    ) -> None:
        torch.manual_seed(config.run.seed)
        self.config = config
        self.device = device
        self.format = torch.channels_last if config.run.channels_last else torch.contiguous_format
        self.network = build(config)
        self.message = prepare(self.network, config.start) if fresh else ""
        self.network.to(device=device, memory_format=self.format)  # type: ignore[call-overload]
        distributed.same_everywhere(self.network)
        self.average = EMA(self.network, config.run.ema) if config.run.ema else None
        self.objective = Objective(config.loss, self.network, measurement_of(config))
        self.objective.to(device)
        predictor = Predictor(self.network, self.objective.reads)
        # the compiled predictor shares the network's weights
        self.predict: Any = torch.compile(predictor) if config.run.compile else predictor
        self.descent = OptimizerStep(self.network, config.optimiser, config, device)
        self.adversary: Adversary | None = None
        if config.adversary is not None:
            self.adversary = Adversary(config, self.network.channels, device, rank)
            distributed.same_everywhere(self.adversary.critic)

    @property
    def result(self) -> Network:
        """The network to validate and save: the running mean if there is one."""
        return self.network if self.average is None else self.average.network

    @property
    def batches(self) -> int:
        """Number of batches in a step."""
        return 1 if self.adversary is None else self.adversary.recipe.steps

    def scale_of(self, step: int) -> int:
        """Return the scale that a step trains."""
        config = self.config
        if not config.scales:
            return config.scale
        drawn = np.random.default_rng((config.run.seed, step)).integers(len(config.scales))
        return config.scales[int(drawn)]

    def learn(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """Take a training step.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        draw : callable
            Takes the number of a batch, counted over all steps. Returns LR and HR crops,
            (N, C, H, W) and (N, C, S * H, S * W), on the device; if the recipe learns from noisy
            sources, inputs and targets, both (N, C, H, W).

        Returns
        -------
        dict of str to Tensor
            The loss, its terms and the critic's loss; `healthy` is True if they are finite and so
            is the gradient.
        """
        self.network.scale = self.scale_of(step)
        found: dict[str, Tensor] = {}
        first = step * self.batches
        for number in range(first, first + self.batches):
            lr, hr = draw(number)
            last = number == first + self.batches - 1
            with self.descent.autocast(), nullcontext() if last else torch.no_grad():
                result, more = self.predict(lr.to(memory_format=self.format))
            if self.adversary is not None:
                found["critic"] = self.adversary.learn(hr, result, step, number)
        loss, parts = self.objective(result, more, hr, step / self.config.run.steps)
        if self.adversary is not None:
            parts["adversary"] = self.adversary.judge(hr, result)
            loss = loss + self.adversary.recipe.weight * parts["adversary"]
        self.descent.step(loss, step)
        # validation, between steps, uses the recipe's scale
        self.network.scale = self.config.scale
        if self.average is not None:
            self.average.follow(self.network, step)
        found |= {"loss": loss.detach(), **{key: one.detach() for key, one in parts.items()}}
        return {**found, "healthy": self._healthy(found)}

    def _healthy(self, found: dict[str, Tensor]) -> Tensor:
        healthy = self.descent.healthy()
        for value in found.values():
            healthy = healthy & value.isfinite()
        return healthy

    def state(self) -> dict[str, Any]:
        """Return the state that resuming needs."""
        return {
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.network.state_dict(),
            "descent": self.descent.state(),
            "adversary": None if self.adversary is None else self.adversary.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state that `state` returned; what it lacks keeps its initial value.

        Raises
        ------
        RuntimeError
            If the state belongs to another network.
        """
        self.network.load_state_dict(state["network"])
        self.descent.restore(state["descent"])
        if self.average is not None:
            self.average.network.load_state_dict(state["average"] or state["network"])
        if self.adversary is not None and state["adversary"] is not None:
            self.adversary.restore(state["adversary"])
