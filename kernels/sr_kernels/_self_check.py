"""Compare a kernel with its reference at the first launch of its binary on a GPU.

We cannot test every compiler and driver. So the first launch of every binary is compared with the
reference in float32, for the same arguments. Its error may be twice the error that the reference
has in the arguments' type. A kernel that fails or differs more is not launched again on that
device. The reference replaces it, and `distrusted` gives the reason.

Triton compiles one binary for each combination of types, channels and alignments (see
`_triton.kernel_jit`); `_signature` distinguishes the binaries. Results of the comparison are kept
until the process ends.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from sr_kernels._choice import count_launch, use_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Sequence
    from types import TracebackType

ROUNDINGS = 4
"""Allowed error in addition to the reference's error, in units of eps times the largest value."""
ALIGNMENT = 16
"""Triton compiles another binary if an address (in bytes) or a size is a multiple of this."""
SMALL = 49
"""Largest number of pixels of a convolution's kernel. A tensor with larger planes counts as images,
whose size varies."""
MOST_INT32 = 2**31 - 1
"""Largest 32-bit integer; larger integers have another type, and so another binary."""
WORDS = 160
"""Largest number of characters quoted from an error."""

_one_at_a_time = threading.Lock()
_verdicts: dict[Hashable, bool] = {}
_reasons: dict[tuple[str, str], str] = {}


def distrusted(device: torch.device) -> dict[str, str]:
    """Return the ops whose kernels failed or were wrong on a device, with the reasons."""
    return {op: reason for (where, op), reason in _reasons.items() if where == str(device)}


def forget_verdicts() -> None:
    """Check every kernel again at its next launch."""
    with _one_at_a_time:
        _verdicts.clear()
        _reasons.clear()


def launch_checked(
    name: str,
    reference: Callable[..., Any],
    launch: Callable[..., Any],
    arguments: Sequence[Any],
    sizes: Container[int] = (),
) -> Any:
    """Launch the kernel, or run the reference if the kernel is wrong; check it at its first launch.

    Parameters
    ----------
    name : str
        The op's name.
    reference, launch : callable
        As in `Op`.
    arguments : sequence
        The arguments of `launch`; at least one is a tensor.
    sizes : container of int
        Positions of arguments that count pixels; they do not change the binary.

    Returns
    -------
    Tensor or tuple of Tensor
    """
    device = next(value for value in arguments if isinstance(value, Tensor)).device
    key = (name, device, _signature(arguments, sizes))
    trusted = False if _reasons and (str(device), name) in _reasons else _verdicts.get(key)
    if trusted is None:
        return _first(key, reference, launch, arguments)
    if not trusted:
        return reference(*arguments)
    count_launch(name)
    return launch(*arguments)


def _first(
    key: tuple[str, torch.device, Hashable],
    reference: Callable[..., Any],
    launch: Callable[..., Any],
    arguments: Sequence[Any],
) -> Any:
    """Return the results of a call whose binary has not been checked yet, and check it."""
    name, device, _ = key
    if device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        # values cannot be read during a capture: a later launch is checked
        return reference(*arguments)
    with _one_at_a_time:
        # another thread may have checked the binary meanwhile
        trusted = False if (str(device), name) in _reasons else _verdicts.get(key)
        if trusted is None:
            results, reason = _compare(reference, launch, arguments)
            if reason is not None:
                _verdicts[key] = not reason
            if reason:
                _reasons[str(device), name] = reason
            if reason == "":
                count_launch(name)
            return results
    if not trusted:
        return reference(*arguments)
    count_launch(name)
    return launch(*arguments)


def _compare(
    reference: Callable[..., Any], launch: Callable[..., Any], arguments: Sequence[Any]
) -> tuple[Any, str | None]:
    """Return an op's results, and the kernel's fault: "" if it has none, None if that is unknown.

    The results are the kernel's if it has no fault, otherwise the reference's.
    """
    with use_kernels("reference"):
        usual = reference(*arguments)
        exact = reference(*map(_widened, arguments))
    watch = _Watch()
    with watch:
        results = launch(*arguments)
        near = [
            _is_near(*each) for each in zip(*map(_all_of, (results, usual, exact)), strict=True)
        ]
        if all(near):
            return results, ""
        if None in near:  # the reference overflowed, so the kernel cannot be compared
            return usual, None
        return usual, "its results differ from the reference's"
    return usual, watch.reason


class _Watch(AbstractContextManager["_Watch"]):
    """Context that catches errors and keeps their message, except Ctrl-C and a lack of memory."""

    reason = ""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            return False
        words = " ".join(str(error).split())[:WORDS]
        self.reason = f"{type(error).__name__}: {words}" if words else type(error).__name__
        return True


def _signature(arguments: Sequence[Any], sizes: Container[int]) -> Hashable:
    """Return a key that identifies the binary for these arguments."""
    # this runs at every launch, and a list is faster than a generator
    found: list[Hashable] = []
    for at, value in enumerate(arguments):
        if isinstance(value, Tensor):
            found.append(_kind(value))
        else:
            found.append(value > MOST_INT32 if at in sizes else value)
    return tuple(found)


def _kind(tensor: Tensor) -> Hashable:
    shape: tuple[Any, ...] = tensor.shape
    laid: tuple[Any, ...]
    strides = tensor.stride()
    if len(shape) == 4 and shape[2] * shape[3] > SMALL:
        images, channels, height, width = shape
        aligned = height % ALIGNMENT == width % ALIGNMENT == 0
        size = channels * height * width
        shape = (images == 1, channels, aligned, size % ALIGNMENT == 0, size > MOST_INT32)
        # strides matter, because a part of an image's channels may be read in place
        laid = strides[1] == 1, strides[3]
    else:
        # a part of a weight's inputs may be read in place, too
        laid = strides[:2]
    return tensor.dtype, shape, laid, tensor.data_ptr() % ALIGNMENT == 0


def _widened(argument: Any) -> Any:
    return argument.float() if isinstance(argument, Tensor) else argument


def _all_of(results: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (results,) if isinstance(results, Tensor) else results


def _is_near(result: Tensor, usual: Tensor, exact: Tensor) -> bool | Literal[None]:
    """Return whether a result is as exact as the reference's; None if the reference overflowed."""
    if not bool(torch.isfinite(usual).all()) or not bool(torch.isfinite(exact).all()):
        return None
    eps = torch.finfo(torch.float16 if usual.dtype == torch.float32 else usual.dtype).eps
    own = (usual.float() - exact).abs().max()
    error = (result.float() - exact).abs().max()
    # comparisons with NaN are false
    return bool(error <= 2 * own + ROUNDINGS * eps * exact.abs().max())
