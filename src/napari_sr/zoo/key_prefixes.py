"""Parts of a checkpoint whose keys begin with the name of a training script's attribute.

A script that saves a whole model, such as one of PyTorch Lightning, puts `generator.` or `model.`
before every key of the network, and may save the discriminator, too. This module only cuts such
prefixes off; `recognition` decides whether the rest is a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.graph.network import StateDict

AVERAGED = (
    "net_g_ema.", "netG_ema.", "generator_ema.", "model_ema.", "ema_model.", "g_ema.", "ema.",
)  # fmt: skip
"""Prefixes of the running mean of the weights, which is preferred to the weights."""
PREFIXES = (
    *AVERAGED, "module.", "_orig_mod.", "model.", "net.", "network.", "net_g.", "netG.",
    "generator.", "G.", "sr_model.", "backbone.",
)  # fmt: skip
"""Prefixes of a network that enlarges images."""
COMPANIONS = (
    "net_d.", "netD.", "discriminator.", "D.", "critic.", "loss.", "losses.", "criterion.",
    "perceptual", "cri_", "vgg.", "lpips.", "feature_extractor.", "n_averaged",
)  # fmt: skip
"""Beginnings of keys that only training needs."""
DEPTH = 3
"""Largest number of nested prefixes."""


@dataclass(frozen=True)
class Part:
    """Some of a checkpoint's tensors."""

    tensors: StateDict
    """The tensors, with keys without the prefix."""
    prefix: str = ""
    """The prefix that was cut off; "" if none was."""
    ignored: int = 0
    """Number of tensors that do not belong to the part."""

    @property
    def averaged(self) -> bool:
        """Whether the part is a running mean."""
        return any(f".{self.prefix}".find(f".{prefix}") >= 0 for prefix in AVERAGED)

    def remarks(self) -> tuple[str, ...]:
        """Return a sentence on the prefix and the ignored tensors, if there are any."""
        mean = " (a running mean)" if self.averaged else ""
        which = f"Tensors: {self.prefix}*{mean}" if self.prefix else ""
        others = f"{self.ignored} other tensors are ignored" if self.ignored else ""
        sentence = "; ".join(filter(None, (which, others)))
        return (f"{sentence}.",) if sentence else ()


def parts(state: StateDict) -> Iterator[Part]:
    """Yield the parts of a checkpoint that could be a network, without the whole checkpoint.

    A part is yielded only if all other tensors are single numbers, belong to another such part, or
    are known to be needed only for training. So no part of a larger network is taken for the whole.

    Parameters
    ----------
    state : mapping of str to Tensor
        The checkpoint.
    """
    yield from _without_counters(Part(state))
    yield from _prefixed(Part(state), DEPTH)


def _without_counters(part: Part) -> Iterator[Part]:
    """Yield a part without the single numbers that no layer owns, if it has any."""
    rest = {key: value for key, value in part.tensors.items() if value.ndim or "." in key}
    if rest and len(rest) < len(part.tensors):
        ignored = part.ignored + len(part.tensors) - len(rest)
        yield Part(rest, part.prefix, ignored)


def _prefixed(part: Part, depth: int) -> Iterator[Part]:
    for prefix in PREFIXES if depth else ():
        rest = {
            key.removeprefix(prefix): value
            for key, value in part.tensors.items()
            if key.startswith(prefix)
        }
        others = [key for key in part.tensors if not key.startswith(prefix)]
        if not rest or not all(_is_needless(key, part.tensors) for key in others):
            continue
        found = Part(rest, part.prefix + prefix, part.ignored + len(others))
        yield found
        yield from _without_counters(found)
        yield from _prefixed(found, depth - 1)


def _is_needless(key: str, state: StateDict) -> bool:
    return key.startswith((*COMPANIONS, *PREFIXES)) or not state[key].ndim
