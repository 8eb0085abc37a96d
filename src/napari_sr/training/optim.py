"""A step of an optimiser: rate, mixed precision, processes that learn together, clipping.

Micikevicius et al., "Mixed Precision Training", ICLR 2018, https://arxiv.org/abs/1710.03740
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from napari_sr.engine.planning.devices import PRECISIONS
from napari_sr.training import distributed
from napari_sr.training.schedule import rate_factor

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from napari_sr.training.config import Config, Optimiser


class OptimizerStep:
    """Moves a module's weights down a loss.

    Parameters
    ----------
    module : Module
        Whose weights move; on the device.
    recipe : Optimiser
        How.
    config : Config
        The training, of which schedule, precision and clipping count.
    device : torch.device
        Where the weights are.

    Raises
    ------
    ValueError
        If a key of `slower` begins no weight's name.
    """

    def __init__(
        self, module: nn.Module, recipe: Optimiser, config: Config, device: torch.device
    ) -> None:
        self.parameters = [one for one in module.parameters() if one.requires_grad]
        self.rate, self.schedule, self.run = recipe.rate, config.schedule, config.run
        groups = _groups(module, recipe)
        self.factors = [factor for factor, _ in groups]
        self.optimiser = _optimiser(recipe, [{"params": weights} for _, weights in groups])
        self.device = device
        half = config.run.precision == "float16"
        self.scaler = torch.amp.GradScaler(device.type, enabled=half)
        self.norm = torch.zeros(())

    def autocast(self) -> AbstractContextManager[Any]:
        """Return what lets a module compute in the recipe's precision while inside."""
        precision = PRECISIONS[self.run.precision]
        return torch.autocast(
            self.device.type, precision, enabled=precision != torch.float32, cache_enabled=True
        )

    def step(self, loss: Tensor, step: int) -> None:
        """Take the step of this number, from 0; `norm` is the gradient's norm then."""
        factor = rate_factor(self.schedule, step, self.run.steps)
        for group, own in zip(self.optimiser.param_groups, self.factors, strict=True):
            group["lr"] = self.rate * factor * own
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch has no types
        distributed.average_gradients(self.parameters)
        self.scaler.unscale_(self.optimiser)
        self.norm = nn.utils.clip_grad_norm_(self.parameters, self.run.clip or math.inf)
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def healthy(self) -> Tensor:
        """Return whether the last gradient was finite, or its step left out: a boolean scalar."""
        # a scaler that scales tries again with a smaller factor
        return self.norm.isfinite() | self.scaler.is_enabled()

    def state(self) -> dict[str, Any]:
        """Return all that going on needs."""
        return {"optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned."""
        self.optimiser.load_state_dict(state["optimiser"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])


def _groups(module: nn.Module, recipe: Optimiser) -> list[tuple[float, list[nn.Parameter]]]:
    """Return the weights by the factor of their rate."""
    found: dict[float, list[nn.Parameter]] = {}
    used: set[str] = set()
    for name, parameter in module.named_parameters():
        keys = [key for key in recipe.slower if name.startswith(key)]
        used.update(keys)
        longest = max(keys, key=len, default=None)
        factor = 1.0 if longest is None else recipe.slower[longest]
        found.setdefault(factor, []).append(parameter)
    unused = [key for key in recipe.slower if key not in used]
    if unused:
        parts = dict.fromkeys(name.split(".")[0] for name, _ in module.named_parameters())
        raise ValueError(
            f"optimiser.slower needs beginnings of weights' names, such as {', '.join(parts)}, "
            f"got {', '.join(unused)}"
        )
    return list(found.items())


def _optimiser(recipe: Optimiser, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    optim = torch.optim
    common: dict[str, Any] = {"lr": recipe.rate, "weight_decay": recipe.decay}
    if recipe.kind == "sgd":
        return optim.SGD(groups, momentum=recipe.momentum, **common)
    if recipe.kind == "rmsprop":
        return optim.RMSprop(groups, eps=recipe.epsilon, momentum=recipe.momentum, **common)
    kind = optim.Adam if recipe.kind == "adam" else optim.AdamW
    # one kernel for all weights, where there is one
    fused = all(one.is_cuda for group in groups for one in group["params"])
    return kind(groups, betas=recipe.betas, eps=recipe.epsilon, fused=fused, **common)
