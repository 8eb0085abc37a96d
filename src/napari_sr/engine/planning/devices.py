"""Devices, precisions and free memory, and what to do when memory runs out."""

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

from napari_sr.engine.image.digits import counted

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_sr.graph.network import Network

FEATURES_SHARE = 0.25
"""Share of the free memory that feature planes may use before they go to files."""
PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

# text in allocators' errors; only CUDA has a separate exception class
_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


DEVICE_LOCK = threading.RLock()
"""Held while a CUDA graph is captured and while memory is released. Two windows, or a preview and a
run, may use one GPU, and releasing memory during a capture invalidates the capture."""


class OutOfMemoryError(MemoryError):
    """Memory ran out, and smaller tiles cannot help.

    It is not a RuntimeError, because napari's workers lose RuntimeErrors.
    """


def available() -> list[tuple[str, str]]:
    """Return the available devices as pairs of name and description, fastest first."""
    found = [
        (f"cuda:{index}", torch.cuda.get_device_name(index))
        for index in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        found.append(("mps", "Apple GPU"))
    return [*found, ("cpu", f"CPU, {counted(torch.get_num_threads(), 'thread')}")]


def choose_device(name: str = "auto") -> torch.device:
    """Return the device with a name such as "cpu" or "cuda:0"; "auto" is the fastest.

    Raises
    ------
    ValueError
        If this computer has no such device.
    """
    names = [known for known, _ in available()]
    if name == "auto":
        return torch.device(names[0])
    full_name = "cuda:0" if name == "cuda" else name
    if full_name not in names:
        raise ValueError(
            f"this computer has no device {name!r}; choose 'auto' or one of {str(names)[1:-1]}"
        )
    return torch.device(full_name)


def choose_precision(
    name: str, device: torch.device, able: Collection[str] = PRECISIONS
) -> torch.dtype:
    """Return the data type that a network computes in; "auto" is half precision on CUDA only.

    Parameters
    ----------
    name : str
        "auto" or one of `PRECISIONS`.
    device : torch.device
        Device that the network runs on.
    able : collection of str
        Precisions that the network supports; other precisions are replaced by float32.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name == "auto":
        capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else (0, 0)
        fast = (("float16", (7, 0)), ("bfloat16", (8, 0)))
        supported = (word for word, least in fast if word in able and capability >= least)
        name = next(supported, "float32")
    if name not in PRECISIONS:
        raise ValueError(f"precision must be 'auto', {str(list(PRECISIONS))[1:-1]}, got {name!r}")
    return PRECISIONS[name] if name in able else torch.float32


def free_memory(device: torch.device) -> int:
    """Return the free memory of a device in bytes."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # memory that PyTorch has reserved but does not use counts as free
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + cached)
    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def trim() -> None:
    """Return freed memory to the operating system.

    The C library of most Linux systems keeps freed memory that lies between blocks in use. Over the
    stages of one run, this memory grew to three times the tile's own memory
    (benchmarks/memory/tile_memory.py).
    """
    if sys.platform.startswith("linux"):
        give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only in glibc, not in musl
        if give_back is not None:
            give_back(0)


def release(device: torch.device, *, after_error: bool = False) -> None:
    """Release the cached memory of a run on a device.

    Errors are ignored, because after a failed capture of a CUDA graph, PyTorch before 2.12 may
    fail an assertion here (pytorch issue 180395).

    Parameters
    ----------
    device : torch.device
        Device of the run.
    after_error : bool
        Whether the traceback of an error may hold tensors in reference cycles. If so, garbage is
        collected, which stops all threads for some 0.2 s if a window is open. A run that succeeds
        leaves no such cycles.
    """
    if after_error:
        gc.collect()
    give_back = {"cuda": torch.cuda.empty_cache, "mps": torch.mps.empty_cache}.get(device.type)
    if give_back is not None:
        with DEVICE_LOCK, suppress(RuntimeError):
            give_back()


def memory_for_features() -> int:
    """Return the bytes that features may use, a share of the free memory.

    The share is small because the operating system caches files in memory anyway, and drops them
    when another program needs the memory.
    """
    return int(FEATURES_SHARE * psutil.virtual_memory().available)


def on_device(network: Network, device: torch.device, precision: torch.dtype) -> Network:
    """Return the network on a device in a precision; a copy, unless it has both already."""
    weight = next(network.parameters(), None)
    if weight is None:  # networks without weights compute on the device of the image
        return network
    there = device.index in (None, weight.device.index) and weight.device.type == device.type
    if there and weight.dtype == precision and not network.training:
        return network
    moved = copy.deepcopy(network).to(device=device, dtype=precision).eval()
    # CPUs, matrix units and our kernels are fastest if weights, and so features, are channels last
    last = device.type == "cpu" or (device.type == "cuda" and precision != torch.float32)
    layout = torch.channels_last if last else torch.contiguous_format
    moved.to(memory_format=layout)  # type: ignore[call-overload]
    return moved
