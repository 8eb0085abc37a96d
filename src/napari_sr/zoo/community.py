"""Checkpoints of networks that the optional package spandrel knows.

spandrel never opens a file: it gets tensors from our own reader, so no code in a checkpoint runs.
"""

from __future__ import annotations

import math
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from napari_sr.graph.foreign import Foreign, Hints
from napari_sr.zoo import recognition
from napari_sr.zoo._torchvision import import_on_torchvision
from napari_sr.zoo.key_prefixes import Part, parts
from napari_sr.zoo.recognition import UnknownNetworkError

if TYPE_CHECKING:
    from napari_sr.graph.network import Network, StateDict

PURPOSES = ("SR", "Restoration")
"""The accepted purposes of spandrel's networks; spandrel also has networks for faces and
inpainting."""
INSTALL = "pip install 'napari-sr[spandrel]'"

GROWTH, LEAST = 4, 1 << 24
"""spandrel may allocate `GROWTH` times as many values as the checkpoint has, plus `LEAST`. Without
this limit, even a small file could request any amount, because spandrel takes sizes from single
tensors."""

_REFUSALS = (
    RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError,
    NotImplementedError, ArithmeticError, UnboundLocalError, MemoryError,
)  # fmt: skip
"""spandrel's errors for tensors that only resemble those of a network."""


def build(state: StateDict, /, *, scale: int | None = None, **options: Any) -> Network:
    """Build the network of a checkpoint: one of our networks, or one that spandrel knows.

    Parameters
    ----------
    state, scale, **options
        As for `recognition.build`.

    Raises
    ------
    UnknownNetworkError
        If neither napari-sr nor spandrel knows the network; the message names our nearest network
        and, if spandrel is missing, how to install it.
    ValueError
        If the scale or an option is wrong, or spandrel's network has another purpose.
    """
    try:
        return recognition.build(state, scale=scale, **options)
    except UnknownNetworkError as error:
        network = find(state, error)
    if scale not in (None, network.scale):
        raise ValueError(f"{network.title} enlarges {network.scale} times, got scale={scale}")
    if options:
        raise ValueError(f"{network.title} has no options, got {options}")
    return network


class _Budget(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """A mode of PyTorch that raises an error if tensors exceed a total number of elements."""

    def __init__(self, elements: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self._left = elements

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation after checking the size of its results."""
        if func is torch.ops.aten.empty.memory_format:
            self._left -= math.prod(args[0])
            if self._left < 0:
                raise ValueError(f"a tensor of {tuple(args[0])} is too large for its checkpoint")
        return func(*args, **(kwargs or {}))


def find(state: StateDict, error: UnknownNetworkError) -> Foreign:
    """Return spandrel's network for a checkpoint that matches none of our networks.

    Parameters
    ----------
    state : mapping of str to Tensor
        The checkpoint.
    error : UnknownNetworkError
        The error that our recognition raised.

    Raises
    ------
    UnknownNetworkError
        If spandrel does not know the network either, or is not installed.
    ValueError
        If spandrel's network has another purpose.
    """
    if find_spec("spandrel") is None:
        raise UnknownNetworkError(
            f"{error}. spandrel can open many other networks: {INSTALL}"
        ) from error
    try:
        spandrel = import_on_torchvision("spandrel")
    except (ImportError, RuntimeError, OSError) as failure:
        raise UnknownNetworkError(
            f"{error}. spandrel is installed but cannot be imported ({_first_line(failure)}): "
            f"{INSTALL}"
        ) from failure
    for part in (Part(state), *parts(state)):
        try:
            with _Budget(GROWTH * sum(value.numel() for value in state.values()) + LEAST):
                known = spandrel.MAIN_REGISTRY.load(dict(part.tensors))
        except spandrel.UnsupportedModelError:
            continue
        except _REFUSALS as refusal:
            raise UnknownNetworkError(
                f"{error}. spandrel {version('spandrel')} cannot load it either: "
                f"{_first_line(refusal)}"
            ) from refusal
        _check_types(part.tensors, known)
        network = wrapped(known)
        network.provenance = {recognition.CHOICE: list(part.remarks())} if part.remarks() else {}
        return network
    raise UnknownNetworkError(
        f"{error}. spandrel {version('spandrel')} does not know it either"
    ) from error


def _check_types(state: StateDict, known: Any) -> None:
    for key, own in known.model.state_dict().items():
        if key in state and own.is_floating_point() and not state[key].is_floating_point():
            raise ValueError(
                f"the checkpoint is a {known.architecture.name} (spandrel), whose {key!r} must be "
                f"floats, got a tensor of {str(state[key].dtype).removeprefix('torch.')}"
            )


def wrapped(known: Any) -> Foreign:
    """Return the network of spandrel's `ModelDescriptor`, in eval mode.

    Raises
    ------
    ValueError
        If the network's purpose is not in `PURPOSES`, or its numbers of channels are unsupported.
    """
    title = f"{known.architecture.name} (spandrel)"
    channels = known.input_channels, known.output_channels
    if known.purpose not in PURPOSES:
        raise ValueError(
            f"the checkpoint is a {title}, whose purpose is {known.purpose}: only "
            f"networks for {' and '.join(PURPOSES)} can be used"
        )
    if channels[0] != channels[1] or channels[0] not in recognition.CHANNELS:
        raise ValueError(
            f"the checkpoint is a {title} with {channels[0]} input and {channels[1]} output "
            "channels: only 1 and 1, or 3 and 3, can be used"
        )
    able = {"float16": known.supports_half, "bfloat16": known.supports_bfloat16}
    wants = known.size_requirements
    hints = Hints(
        least_size=wants.minimum,
        multiple=wants.multiple_of,
        square=wants.square,
        whole=known.tiling.name in ("DISCOURAGED", "INTERNAL"),
        precisions=("float32", *(name for name, can in able.items() if can)),
    )
    return Foreign(
        module=known.model,
        call=known._call_fn,  # spandrel's public call clips to 0..1; our networks do not clip
        title=title,
        scale=known.scale,
        channels=channels[0],
        hints=hints,
    ).eval()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
