"""The weighted sum of losses that training minimises.

Symbols: N crops, C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

from napari_sr.training.build import make, named
from napari_sr.training.component import ComponentSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from napari_sr.graph.network import Network
    from napari_sr.training.config import Term
    from napari_sr.training.measurement import Measurement

LOSSES = "napari_sr.training.losses"
METHODS = {"levels": "pyramid", "predictions": "predictions"}
"""The network's method that computes a loss's additional inputs, by `Loss.reads`."""


@dataclass(frozen=True)
class _Weighed:
    """A term of the sum, and the loss that computes it."""

    term: Term
    loss: nn.Module
    reads: str
    penalty: bool
    """Whether the loss depends on the result alone."""


class Predictor(nn.Module):
    """Runs a network, and returns all inputs of the losses.

    It is a module, because torch.compile can then compile all of it.

    Parameters
    ----------
    network : Network
        The network to train.
    reads : str
        "image", or a key of `METHODS`.
    """

    def __init__(self, network: Network, reads: str) -> None:
        super().__init__()
        self.network = network
        self.reads = reads

    def forward(self, lr: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Upscale (N, C, H, W); return the result, (N, C, S * H, S * W), and additional inputs."""
        if self.reads == "image":
            return self.network(lr), ()
        found: tuple[Tensor, ...] = getattr(self.network, METHODS[self.reads])(lr)
        combine = getattr(self.network, "combine", None)  # DRCN's result is a weighted sum
        return (found[-1] if combine is None else combine(found)), found


class Objective:
    """The weighted sum of a recipe's losses.

    Parameters
    ----------
    terms : sequence of Term
        The recipe's terms.
    network : Network
        The network to train.
    measurement : Measurement, optional
        Makes results comparable with a noisy source. Penalties read the result itself.

    Raises
    ------
    ValueError
        If a loss is unknown, an option is wrong, the network lacks a method that a loss needs, or a
        loss cannot be compared with a noisy source.
    """

    def __init__(
        self, terms: Sequence[Term], network: Network, measurement: Measurement | None = None
    ) -> None:
        self.reads = "image"
        self.measurement = measurement
        self.terms = [_weighed(term, f"loss.{number}") for number, term in enumerate(terms)]
        for one in self.terms:
            if one.reads == "image":
                continue
            if measurement is not None:
                raise ValueError(
                    "to learn from noisy images, a loss must compare images, such as 'mse', got "
                    f"{one.term.kind!r}"
                )
            method = METHODS[one.reads]
            if not hasattr(network, method):
                raise ValueError(
                    f"the loss {one.term.kind!r} needs a network with {method}(), "
                    f"got {type(network).__name__}"
                )
            self.reads = one.reads

    def to(self, device: torch.device) -> None:
        """Move the losses to a device; some have weights."""
        for one in self.terms:
            one.loss.to(device).requires_grad_(False)

    def __call__(
        self, result: Tensor, more: tuple[Tensor, ...], truth: Tensor, share: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a result.

        Parameters
        ----------
        result : Tensor, (N, C, S * H, S * W)
            Images; they are compared in float32.
        truth : Tensor
            Images like `result`; with a measurement, targets, (N, C, H, W).
        more : tuple of Tensor
            Additional inputs, as `Predictor` returns them.
        share : float
            Fraction of all steps that are done, in 0..1.

        Returns
        -------
        tuple of Tensor and dict of str to Tensor
            The sum, and each loss without its weight; all scalars.
        """
        found: dict[str, Tensor] = {}
        seen, wanted = result, truth
        if self.measurement is not None:
            seen, wanted = self.measurement(result, truth)
        total = result.new_zeros((), dtype=truth.dtype)
        for one in self.terms:
            if not (one.term.since <= share < one.term.until):
                continue
            if one.penalty:
                value = self._value(one, result, more, result, share)
            else:
                value = self._value(one, seen, more, wanted, share)
            found[one.term.kind] = value.detach()
            total = total + one.term.weight * value
        return total, found

    @staticmethod
    def _value(
        one: _Weighed, result: Tensor, more: tuple[Tensor, ...], truth: Tensor, share: float
    ) -> Tensor:
        result, more = result.float(), tuple(image.float() for image in more)
        if one.reads == "levels":
            return cast("Tensor", one.loss(more, truth))
        if one.reads == "predictions":
            alpha = max(0.0, 1 - share / one.term.fades) if one.term.fades else 1.0
            return cast("Tensor", one.loss(more, result, truth, alpha))
        return cast("Tensor", one.loss(result, truth))


def _weighed(term: Term, key: str) -> _Weighed:
    kind: Any = named(LOSSES, "LOSS", term.kind, f"{key}.kind")
    loss = make(kind, ComponentSpec(term.kind, term.options), key)
    if not isinstance(loss, nn.Module):
        raise ValueError(f"{key}.kind must be a loss that compares images, got {term.kind!r}")
    return _Weighed(term, loss, getattr(loss, "reads", "image"), getattr(loss, "penalty", False))
