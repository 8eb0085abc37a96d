"""Settings of the optimiser, the learning-rate schedule and the adversary."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from napari_sr.training.component import MOST_STEPS, NO_OTHERS, ComponentSpec, need, within


@dataclass(frozen=True)
class Optimiser:
    """The settings of an optimiser."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = 1e-3
    """The highest learning rate of the schedule."""
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    decay: float = 0.0
    """Weight decay."""
    momentum: float = 0.0
    lr_scale: dict[str, float] = field(default_factory=dict)
    """Factors of the learning rate, by prefix of the parameter names."""

    def __post_init__(self) -> None:
        """Check that numbers are within bounds."""
        need(0 < self.learning_rate < math.inf, "learning_rate", "above 0", self.learning_rate)
        need(all(0 <= beta < 1 for beta in self.betas), "betas", "in 0..1", self.betas)
        need(0 < self.epsilon < math.inf, "epsilon", "above 0", self.epsilon)
        need(0 <= self.decay < math.inf, "decay", "at least 0", self.decay)
        need(0 <= self.momentum < 1, "momentum", "in 0..1", self.momentum)
        lr_scale = all(0 < value < math.inf for value in self.lr_scale.values())
        need(lr_scale, "lr_scale", "factors above 0", self.lr_scale)


@dataclass(frozen=True)
class Schedule:
    """The schedule of the learning rate."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: Literal["constant", "cosine", "step"] = "constant"
    warm_up: int = 0
    """Number of steps in which the rate rises linearly from 0."""
    floor: float = 0.0
    """The last value of a cosine, as a share of the highest rate."""
    every: int = 0
    """For a step schedule: steps between two decreases of the rate."""
    at: tuple[int, ...] = ()
    """For a step schedule, instead of `every`: the steps at which the rate decreases."""
    factor: float = 0.5
    """Factor of each decrease."""

    def __post_init__(self) -> None:
        """Check that numbers are within bounds, and that only a step schedule has steps."""
        within("warm_up", self.warm_up, 0, MOST_STEPS)
        need(0 <= self.floor <= 1, "floor", "in 0..1", self.floor)
        need(0 < self.factor < 1, "factor", "between 0 and 1", self.factor)
        need(self.every >= 0, "every", "at least 0", self.every)
        falls = (self.every > 0) != bool(self.at)
        if self.kind == "step":
            need(falls, "a step schedule", "given either every or at", (self.every, self.at))
        else:
            none = not self.every and not self.at
            need(none, "every and at", f"omitted with kind {self.kind!r}", (self.every, self.at))


@dataclass(frozen=True)
class Adversary:
    """A critic that learns to distinguish truth from result, and its weight in the loss."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: Literal["adversarial", "wasserstein", "relativistic"]
    """The name of a module in `losses`."""
    weight: float
    """Weight of the network's adversarial loss."""
    critic: ComponentSpec = field(default_factory=lambda: ComponentSpec("srgan"))
    """The critic; its `kind` is the name of a function in `discriminators.py`."""
    optimiser: Optimiser = field(default_factory=Optimiser)
    steps: int = 1
    """Steps of the critic for each step of the network; each step gets new crops."""
    clip: float = 0.0
    """Largest absolute value of a Wasserstein critic's weights; 0 for no clipping."""
    penalty: float = 0.0
    """Weight of a Wasserstein critic's gradient penalty; 0 for none."""

    def __post_init__(self) -> None:
        """Check that numbers are within bounds, and that clip and penalty fit the kind."""
        need(0 < self.weight < math.inf, "weight", "above 0", self.weight)
        within("steps", self.steps, 1, MOST_STEPS)
        least, most = sorted((self.clip, self.penalty))
        need(least >= 0 and most < math.inf, "clip and penalty", "at least 0",
              (self.clip, self.penalty))  # fmt: skip
        bounded = (self.clip > 0) != (self.penalty > 0)
        if self.kind == "wasserstein":
            need(bounded, "a wasserstein critic", "bounded by either clip or penalty",
                  (self.clip, self.penalty))  # fmt: skip
        else:
            free = not self.clip and not self.penalty
            need(free, "clip and penalty", f"omitted with kind {self.kind!r}",
                 (self.clip, self.penalty))  # fmt: skip
