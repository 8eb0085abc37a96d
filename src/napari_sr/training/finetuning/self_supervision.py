"""Settings for learning from noisy images alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

from napari_sr.engine.image.conversion import is_number
from napari_sr.training.component import ComponentSpec, need
from napari_sr.training.config import Term
from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.spot import Spot
from napari_sr.zoo.trained import NOISY_ALONE

RECORRUPTION, THINNING, BLIND, NEIGHBOURS = "recorruption", "thinning", "blind_spots", "neighbours"
METHODS = (RECORRUPTION, THINNING, BLIND, NEIGHBOURS)
Penalty: TypeAlias = Literal["none", "hessian", "total_variation"]
PENALTIES = ("none", "hessian", "total_variation")
WEIGHT = 0.1
"""Usual weight of a penalty, relative to the noise; the squared error has the weight 1."""


@dataclass(frozen=True)
class SelfSupervision:
    """How a network learns from noisy images alone."""

    method: str = RECORRUPTION
    """How two noise realisations are made: "recorruption"; "thinning" for photon counts;
    "blind_spots" if the noise is unknown; or "neighbours": the neighbouring frame of a time
    series."""
    spot: Spot = field(default_factory=Spot)
    """The microscope's spot, whose blur is removed; by default none."""
    noise: NoiseModel = field(default_factory=NoiseModel)
    """The noise in pixel values; by default, it is estimated from each image."""
    penalty: Penalty = "hessian"
    """Penalty on rough results."""
    weight: float = WEIGHT
    """Weight of the penalty, relative to the standard deviation of the noise."""

    def __post_init__(self) -> None:
        """Check names and numbers.

        Raises
        ------
        ValueError
            If one is wrong; the message names it.
        """
        need(self.method in METHODS, "method", f"one of {', '.join(METHODS)}", self.method)
        need(self.penalty in PENALTIES, "penalty", f"one of {', '.join(PENALTIES)}", self.penalty)
        right = is_number(self.weight, 0) and self.weight > 0
        need(right, "weight", "above 0", self.weight)

    @property
    def degradation(self) -> ComponentSpec:
        """The degradation of the recipe."""
        options = {"spot": asdict(self.spot), "noise": asdict(self.noise)}
        return ComponentSpec(self.method, options)

    @property
    def losses(self) -> tuple[Term, ...]:
        """The losses of the recipe: only the squared error ignores the target's noise."""
        terms = [Term("mse")]
        if self.penalty != "none":
            terms.append(Term(self.penalty, self.weight))
        return tuple(terms)

    @property
    def words(self) -> str:
        """Description for cards and messages."""
        words = f"{NOISY_ALONE}: {self.method.replace('_', ' ')}, {self.spot.words}"
        if self.penalty == "none":
            return words
        return f"{words}, {self.penalty.replace('_', ' ').replace('hessian', 'Hessian')} penalty"
