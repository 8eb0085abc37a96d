"""A hash of everything in a network that affects its results."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from napari_sr.graph.network import Network

_NO_OPTIONS = ("_parameters", "_buffers", "_modules", "_state_dict_hooks", "provenance")
"""Attributes of modules that are hashed elsewhere, or do not affect results."""


def fingerprint(network: Network) -> str:
    """Return a hash of the modules of a network, their options, hooks and weights."""
    found = hashlib.sha256(f"{type(network).__qualname__} {network!r}".encode())
    for name, module in network.named_modules():
        options = [
            (key, _option(value))
            for key, value in sorted(vars(module).items())
            if key not in _NO_OPTIONS and not (isinstance(value, dict | set) and not value)
        ]
        found.update(f"{name} {type(module).__qualname__} {options}".encode())
    for name, tensor in sorted([*network.named_parameters(), *network.named_buffers()]):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().contiguous().reshape(-1)
        found.update(plain.view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _option(value: object) -> str:
    """Return an attribute of a module as text that is the same in every process."""
    if isinstance(value, bool | int | float | str | bytes | type(None)):
        return repr(value)
    if isinstance(value, tuple | list):
        return str([_option(part) for part in value])
    if isinstance(value, dict):
        return str([(_option(key), _option(part)) for key, part in value.items()])
    if isinstance(value, partial):
        return f"partial {_option(value.func)} {_option(value.args)} {_option(value.keywords)}"
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().float().numpy()
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    return str(getattr(value, "__qualname__", type(value).__qualname__))
