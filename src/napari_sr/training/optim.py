"""Learning-rate schedule, optimiser step, and running mean of the weights.

Mixed precision: Micikevicius et al., ICLR 2018, https://arxiv.org/abs/1710.03740
Cosine schedule: Loshchilov and Hutter, "SGDR", ICLR 2017, https://arxiv.org/abs/1608.03983; here
without restarts.
Running mean: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM
Journal on Control and Optimization 30(4), 1992; here with exponential weights, as is usual.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from napari_sr.engine.planning.devices import PRECISIONS
from napari_sr.training import distributed

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from napari_sr.graph.network import Network
    from napari_sr.training.config import Config
    from napari_sr.training.optim_config import Optimiser, Schedule


class OptimizerStep:
    """Takes an optimiser's steps on a module's weights.

    Parameters
    ----------
    module : Module
        The module to train, on the device.
    recipe : Optimiser
        The optimiser's settings.
    config : Config
        Settings of the training run: schedule, precision and clipping are used.
    device : torch.device
        Device of the weights.

    Raises
    ------
    ValueError
        If a key of `lr_scale` is not a prefix of a parameter name.
    """

    def __init__(
        self, module: nn.Module, recipe: Optimiser, config: Config, device: torch.device
    ) -> None:
        self.parameters = [one for one in module.parameters() if one.requires_grad]
        self.learning_rate = recipe.learning_rate
        self.schedule, self.run = config.schedule, config.run
        groups = _groups(module, recipe)
        self.factors = [factor for factor, _ in groups]
        self.optimiser = _optimiser(recipe, [{"params": weights} for _, weights in groups])
        self.device = device
        half = config.run.precision == "float16"
        self.scaler = torch.amp.GradScaler(device.type, enabled=half)
        self.norm = torch.zeros(())

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context manager under which a module computes in the recipe's precision."""
        precision = PRECISIONS[self.run.precision]
        return torch.autocast(
            self.device.type, precision, enabled=precision != torch.float32, cache_enabled=True
        )

    def step(self, loss: Tensor, step: int) -> None:
        """Take step number `step`, counted from 0, and set `norm` to the norm of the gradient."""
        factor = rate_factor(self.schedule, step, self.run.steps)
        for group, own in zip(self.optimiser.param_groups, self.factors, strict=True):
            group["lr"] = self.learning_rate * factor * own
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch has no types
        distributed.average_gradients(self.parameters)
        self.scaler.unscale_(self.optimiser)
        self.norm = nn.utils.clip_grad_norm_(self.parameters, self.run.clip or math.inf)
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def healthy(self) -> Tensor:
        """Return a boolean scalar: whether the last gradient was finite or its step was skipped."""
        # after an overflow, a gradient scaler skips the step and reduces its factor
        return self.norm.isfinite() | self.scaler.is_enabled()

    def state(self) -> dict[str, Any]:
        """Return the state that resuming needs."""
        return {"optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state that `state` returned."""
        self.optimiser.load_state_dict(state["optimiser"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])


def _groups(module: nn.Module, recipe: Optimiser) -> list[tuple[float, list[nn.Parameter]]]:
    """Group the weights by the factor of their learning rate."""
    found: dict[float, list[nn.Parameter]] = {}
    used: set[str] = set()
    for name, parameter in module.named_parameters():
        keys = [key for key in recipe.lr_scale if name.startswith(key)]
        used.update(keys)
        longest = max(keys, key=len, default=None)
        factor = 1.0 if longest is None else recipe.lr_scale[longest]
        found.setdefault(factor, []).append(parameter)
    unused = [key for key in recipe.lr_scale if key not in used]
    if unused:
        parts = dict.fromkeys(name.split(".")[0] for name, _ in module.named_parameters())
        raise ValueError(
            f"optimiser.lr_scale needs parameter-name prefixes, such as {', '.join(parts)}, "
            f"got {', '.join(unused)}"
        )
    return list(found.items())


def _optimiser(recipe: Optimiser, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    optim = torch.optim
    common: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.decay}
    if recipe.kind == "sgd":
        return optim.SGD(groups, momentum=recipe.momentum, **common)
    if recipe.kind == "rmsprop":
        return optim.RMSprop(groups, eps=recipe.epsilon, momentum=recipe.momentum, **common)
    kind = optim.Adam if recipe.kind == "adam" else optim.AdamW
    # a fused optimiser updates all weights in one kernel
    fused = all(one.is_cuda for group in groups for one in group["params"])
    return kind(groups, betas=recipe.betas, eps=recipe.epsilon, fused=fused, **common)


def rate_factor(schedule: Schedule, step: int, total: int) -> float:
    """Return the learning rate at a step, relative to the highest rate.

    The rate depends on the step alone, so resuming needs no state of the schedule.

    Parameters
    ----------
    schedule : Schedule
        The schedule's settings.
    step, total : int
        The step, from 0, and the number of steps.
    """
    rise = min(1.0, (step + 1) / (schedule.warm_up + 1))
    if schedule.kind == "cosine":
        half = 0.5 * (1 + math.cos(math.pi * min(step / total, 1)))
        return rise * (schedule.floor + (1 - schedule.floor) * half)
    if schedule.kind == "step":
        falls = step // schedule.every if schedule.every else sum(step >= at for at in schedule.at)
        return float(rise * schedule.factor**falls)
    return rise


class EMA:
    """The exponential moving average of a network's weights, over about 1 / (1 - decay) steps.

    PyTorch's `AveragedModel` starts from the initial weights, whose share is still more than a
    tenth after 2 / (1 - decay) steps. This average covers fewer steps at first, so it forgets the
    initial weights sooner. It never waits for the device.

    Parameters
    ----------
    network : Network
        The network, which is copied.
    decay : float
        Share of the old mean in the mean after a step, between 0 and 1.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, network: Network, step: int) -> None:
        """Update the mean after step number `step`, counted from 0.

        Buffers are copied: the running statistics in them are averages already.
        """
        decay = min(self.decay, (step + 1) / (step + 10))
        kept: list[Tensor] = list(self.network.parameters())
        new: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(kept, new, 1 - decay)
        for mine, other in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(other)
