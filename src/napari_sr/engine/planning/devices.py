"""Which device, which precision, how much memory, and what to do when it runs out."""

from __future__ import annotations

import copy
import ctypes
import gc
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import torch

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_sr.graph.network import Network

FEATURES_SHARE = 0.1
"""Share of the free memory that feature planes may take before they go to files."""
PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

# what allocators say; only CUDA has an exception class of its own
_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


DEVICE_LOCK = threading.RLock()
"""Held while a CUDA graph is captured and while memory is given back: two windows, or a preview and
a run, may use one GPU, and giving back memory during a capture invalidates it."""


class OutOfMemoryError(MemoryError):
    """Memory ran out and no smaller tile can help; not a RuntimeError, which workers lose."""


def available() -> list[tuple[str, str]]:
    """Return the devices here as pairs of name and description, the best one first."""
    found = [
        (f"cuda:{index}", torch.cuda.get_device_name(index))
        for index in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        found.append(("mps", "Apple GPU"))
    return [*found, ("cpu", f"CPU, {torch.get_num_threads()} threads")]


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of a name such as "cpu" or "cuda:0"; "auto" takes the best.

    Raises
    ------
    ValueError
        If there is no such device here.
    """
    here = [known for known, _ in available()]
    if name == "auto":
        return torch.device(here[0])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in here:
        raise ValueError(f"there is no device {name!r} here; there are 'auto', {str(here)[1:-1]}")
    return torch.device(wanted)


def choose_precision(
    name: str, device: torch.device, able: Collection[str] = PRECISIONS
) -> torch.dtype:
    """Return the type that a network computes in; "auto" is half precision on CUDA only.

    Parameters
    ----------
    name : str
        "auto" or one of `PRECISIONS`.
    device : torch.device
        Where it runs.
    able : collection of str
        What the network can compute in. Anything else becomes float32.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name == "auto":
        newness = torch.cuda.get_device_capability(device) if device.type == "cuda" else (0, 0)
        fast = (("float16", (7, 0)), ("bfloat16", (8, 0)))
        name = next((word for word, least in fast if word in able and newness >= least), "float32")
    if name not in PRECISIONS:
        raise ValueError(f"precision must be 'auto', {str(list(PRECISIONS))[1:-1]}, got {name!r}")
    return PRECISIONS[name] if name in able else torch.float32


def free_memory(device: torch.device) -> int:
    """Return the bytes that a device has left."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # what PyTorch holds but does not use counts as free
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + cached)
    import psutil  # here, because training needs no free memory to be known

    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory ran out, on any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def trim() -> None:
    """Give memory that was freed back to the system.

    The C library of most Linux systems keeps what lies between pieces still in use: over the
    stages of one run that came to three times the tile's own memory
    (benchmarks/memory/tile_memory.py).
    """
    if sys.platform.startswith("linux"):
        give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if give_back is not None:
            give_back(0)


def release(device: torch.device, *, after_error: bool = False) -> None:
    """Give back what a run held on a device.

    A failure costs no result: after a failed capture of a CUDA graph, PyTorch before 2.12 may
    assert here (pytorch issue 180395).

    Parameters
    ----------
    device : torch.device
        Where it ran.
    after_error : bool
        Whether an error's traceback may hold tensors in cycles. Looking for cycles stops all
        threads, for some 0.2 s beside a window; a run that ends well leaves none that hold tensors.
    """
    if after_error:
        gc.collect()
    give_back = {"cuda": torch.cuda.empty_cache, "mps": torch.mps.empty_cache}.get(device.type)
    if give_back is not None:
        with DEVICE_LOCK, suppress(RuntimeError):
            give_back()


def budget_in_memory() -> int:
    """Return how many bytes of memory features may take: a share of what is free.

    Files are kept in memory, too, as long as nobody else needs it, and give way where somebody
    does; so the share is small.
    """
    return int(FEATURES_SHARE * psutil.virtual_memory().available)


def placed(network: Network, device: torch.device, precision: torch.dtype) -> Network:
    """Return the network on a device in a precision: itself where it is there already."""
    weight = next(network.parameters(), None)
    if weight is None:  # it computes wherever the image lies
        return network
    here = device.index in (None, weight.device.index) and weight.device.type == device.type
    if here and weight.dtype == precision and not network.training:
        return network
    moved = copy.deepcopy(network).to(device=device, dtype=precision).eval()
    if device.type == "cuda" and precision != torch.float32:
        # matrix units and our kernels want channels fastest; the features follow the weights
        moved.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved
