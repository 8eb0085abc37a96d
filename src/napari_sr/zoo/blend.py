"""Blend two checkpoints of one network: theta = (1 - a) theta_first + a theta_second.

Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops
2018, section 3.4 (network interpolation), https://arxiv.org/abs/1809.00219

The paper blends a network trained for PSNR with one fine-tuned against a discriminator: with a
smaller a, less texture is invented. This works because the second network was fine-tuned from the
first; a blend of two networks trained independently is no better than noise. Running means and
variances of batch normalisation are blended like weights, as in the authors' script. Integers (the
numbers of batches) are taken from the first checkpoint.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.engine.image.conversion import is_number
from napari_sr.engine.image.digits import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from napari_sr.graph.network import Network

_PLAIN = (bool, int, float, str, tuple, type(None))
"""Attributes of these types count as options of a module."""
_NO_OPTIONS = {"training", "provenance"}


def blend(first: Network, second: Network, weight: float) -> Network:
    """Return the blend of two networks, in eval mode.

    Parameters
    ----------
    first, second : Network
        Two networks of one architecture with equal options; they are not changed. The result has
        the device and the precision of the first.
    weight : float
        a, the share of the second network, in 0..1: exactly the first at 0, the second at 1.

    Returns
    -------
    Network
        Its `provenance` contains the weight and both provenances.

    Raises
    ------
    ValueError
        If the weight is outside 0..1, or the networks differ in more than their weights' values.
    """
    check_weight(weight)
    check_alike(first, second)
    result = copy.deepcopy(first)
    others = second.state_dict()
    mixed = {key: _mixed(own, others[key], weight) for key, own in first.state_dict().items()}
    result.load_state_dict(mixed)
    result.provenance = {
        "model": f"{1 - weight:.4g} {name_of(first)} + {weight:.4g} {name_of(second)}",
        "scale": first.scale,
        "weight": float(weight),
        "blended": [dict(first.provenance), dict(second.provenance)],
    }
    return result.eval()


def check_weight(weight: object) -> None:
    """Check that a weight is in 0..1.

    Raises
    ------
    ValueError
        If it is not; the message names the weight.
    """
    if not is_number(weight, 0, 1):
        raise ValueError(
            f"the weight of the second checkpoint must be a number from 0 to 1, got {weight!r}"
        )


def check_alike(first: Network, second: Network) -> None:
    """Check that two networks differ only in the values of their weights.

    Raises
    ------
    ValueError
        If they differ in more; the message names both and the first difference.
    """
    for network in (first, second):
        if not network.state_dict():
            raise ValueError(
                f"blending needs networks with weights, but {name_of(network)}, "
                f"{network.title}, has none"
            )
    difference = next(_differences(first, second), None)
    if difference is not None:
        raise ValueError(
            "blending needs two checkpoints of the same network with equal options, got "
            f"{name_of(first)} and {name_of(second)}, which differ in {difference}"
        )


def name_of(network: Network) -> str:
    """Return the name by which a network was loaded, or its title if it was not loaded by name."""
    return str(network.provenance.get("model", network.title))


def _differences(first: Network, second: Network) -> Iterator[str]:
    """Yield the differences except those of tensor values, the most informative first."""
    if type(first) is not type(second) or first.title != second.title:
        yield f"architecture: {first.title} and {second.title}"
    yield from _unequal_options("", first, second)
    own, others = first.state_dict(), second.state_dict()
    for one, two, which in ((own, others, "first"), (others, own, "second")):
        only = [key for key in one if key not in two]
        if only:
            yield f"{counted(len(only), 'tensor')} that only the {which} has, such as {only[0]!r}"
    for key, value in own.items():
        if value.shape != others[key].shape:
            yield f"the shape of {key!r}: {tuple(value.shape)} and {tuple(others[key].shape)}"
    parts = dict(second.named_modules())
    for name, part in first.named_modules():
        other = parts.get(name)
        kinds = type(part).__name__, type(other).__name__
        if other is None or kinds[0] != kinds[1]:
            yield f"{name}: {kinds[0]} and {kinds[1]}"
        else:
            yield from _unequal_options(f"{name}.", part, other)


def _unequal_options(prefix: str, first: nn.Module, second: nn.Module) -> Iterator[str]:
    """Yield the options of two modules that are not equal."""
    ours, theirs = _options(first), _options(second)
    for name in {**ours, **theirs}:  # a dict keeps the order of names
        one, two = ours.get(name), theirs.get(name)
        if one != two:
            yield f"{prefix}{name}: {one!r} and {two!r}"


def _options(module: nn.Module) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if name[0] != "_" and name not in _NO_OPTIONS and isinstance(value, _PLAIN)
    }


def _mixed(first: Tensor, second: Tensor, weight: float) -> Tensor:
    """Return the blend of two tensors of equal shape, in the type of the first."""
    if not first.is_floating_point():
        return first
    wide = torch.promote_types(first.dtype, torch.float32)
    here = second.to(first.device, wide)
    return ((1 - weight) * first.to(wide) + weight * here).to(first.dtype)
