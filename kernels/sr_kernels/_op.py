"""The record of an op, and its registration with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from sr_kernels._choice import chosen, count_launch, runs_fused
from sr_kernels._self_check import launch_checked

if TYPE_CHECKING:
    from collections.abc import Sequence

try:
    from torch._C import (
        _get_tracing_state,
        _len_torch_dispatch_stack,
        _len_torch_function_stack,
    )
    from torch._C._autograd import _profiler_enabled
    from torch._C._functorch import maybe_current_level
except ImportError:  # these names are private, so another PyTorch may lack them
    _CAN_TELL = False
else:
    _CAN_TELL = True

NAMESPACE = "napari_sr"
SIZES = frozenset({"top", "left", "full_height", "full_width", "pixels"})
"""Names of arguments of `launch` that count pixels. The binary of a kernel does not depend on
their values, so a kernel that was checked with one value is right for all values."""

_PLAIN = frozenset({Tensor, torch.nn.Parameter})

Layout: TypeAlias = torch.memory_format | Callable[[Tensor], torch.memory_format]
"""The memory format of results: fixed, or a function of the result."""


@dataclass(frozen=True)
class Op:
    """One operation, as the record `OP` at the end of its file."""

    public: Callable[..., Any]
    """Checks its arguments, then calls the kernel or the reference, whichever is chosen."""
    reference: Callable[..., Any]
    """Computes the same in plain PyTorch, exactly in float64; takes the arguments of `public`."""
    launch: Callable[..., Any]
    """Calls the kernel unconditionally; takes all arguments of `public`, by position."""
    example: Callable[[tuple[int, ...], torch.dtype, torch.device], tuple[Any, ...]]
    """Returns random arguments for `public`. The shape, (N, C, H, W), is that of the first
    argument; C is 50 or a multiple of 4. Values come from the global random state: equal shapes and
    seeds give equal values, rounded to the dtype."""
    bytes_moved: Callable[..., int]
    """Takes the arguments of `public`; returns the bytes that the kernel must read and write."""
    flops: Callable[..., int]
    """Takes the arguments of `public`; returns the floating-point operations, two for each
    multiply-add."""


def register(
    name: str,
    reference: Callable[..., Any],
    launch: Callable[..., Any],
    layout: Layout = torch.channels_last,
) -> Callable[..., Any]:
    """Register `torch.ops.napari_sr.<name>`, and return the function that computes the op.

    That function chooses between kernel and reference. The backward pass differentiates the
    reference; vmap runs the op once for each element.

    Parameters
    ----------
    name : str
        The name of the op's file.
    reference, launch : callable
        As in `Op`. The operator's schema is derived from the annotations of `launch`.
    layout : torch.memory_format, or callable
        Memory format of `launch`'s results with four dimensions; other results are contiguous.

    Returns
    -------
    callable
        Takes the arguments of `launch`. Compiled and exported programs keep the operator, which
        chooses between kernel and reference when it runs.
    """

    def laid_out(results: Any) -> Any:
        if isinstance(results, Tensor):
            return _copied(results, layout)
        return tuple(_copied(result, layout) for result in results)

    def compute_reference(*arguments: Any) -> Any:
        return laid_out(reference(*arguments))

    def run(*arguments: Any) -> Any:
        if not runs_fused(*tensors_of(arguments)):
            return compute_reference(*arguments)
        return run_kernel(*arguments)

    def run_kernel(*arguments: Any) -> Any:
        if chosen() == "triton":
            count_launch(name)
            return launch(*arguments)
        return launch_checked(name, compute_reference, launch, arguments, sizes)

    sizes = sizes_of(launch)
    schema = torch.library.infer_schema(launch, mutates_args=())
    operator = torch.library.custom_op(f"{NAMESPACE}::{name}", run, mutates_args=(), schema=schema)
    operator.register_fake(compute_reference)
    operator.register_vmap(lambda info, axes, *arguments: _one_by_one(operator, axes, arguments))
    operator.register_autograd(
        lambda context, *gradients: _backward(reference, context, gradients),
        setup_context=_remember,
    )

    def compute(*arguments: Any) -> Any:
        if not keeps_operator(*arguments):
            return reference(*arguments)
        # order matters: a compiler cannot trace the second condition
        traced = torch.compiler.is_compiling() or not is_unwatched(arguments)
        return (operator if traced else run_kernel)(*arguments)

    return compute


def sizes_of(launch: Callable[..., Any]) -> frozenset[int]:
    """Return the positions of the arguments of `launch` that `SIZES` names."""
    return frozenset(at for at, name in enumerate(signature(launch).parameters) if name in SIZES)


def keeps_operator(*arguments: Any) -> bool:
    """Return whether an op is traced or runs as a kernel; otherwise the reference runs directly."""
    return torch.compiler.is_compiling() or runs_fused(*tensors_of(arguments))


def check_shapes(op: str, **given: tuple[Tensor | None, tuple[int, ...]]) -> None:
    """Check that tensors have the needed shapes; skip a tensor that is None.

    Raises
    ------
    ValueError
        If a shape differs; the message names the first one.
    """
    for name, (tensor, shape) in given.items():
        if tensor is not None and tensor.shape != shape:
            raise ValueError(f"{op} needs {name} {tuple(shape)}, got {tuple(tensor.shape)}")


def tensors_of(arguments: Sequence[Any]) -> list[Tensor]:
    """Return the arguments that are tensors."""
    return [argument for argument in arguments if isinstance(argument, Tensor)]


def is_unwatched(arguments: Sequence[Any]) -> bool:
    """Return whether nothing intercepts or records calls, so that kernels can be called directly.

    This saves the dispatcher of PyTorch, which takes a third of the host's time for a launch of a
    custom operator (measured on a CPU, bsconv: 22 us with the dispatcher, 15 us without). Inference
    mode excludes gradients; the other conditions exclude transforms such as vmap, modes, profilers,
    tracing, and tensor subclasses.
    """
    return (
        _CAN_TELL
        and torch.is_inference_mode_enabled()
        and maybe_current_level() is None
        and not _len_torch_dispatch_stack()
        and not _len_torch_function_stack()
        and not _profiler_enabled()
        and _get_tracing_state() is None
        and _PLAIN.issuperset(map(type, tensors_of(arguments)))
    )


def _copied(result: Tensor, layout: Layout) -> Tensor:
    if not isinstance(layout, torch.memory_format):
        layout = layout(result)
    layout = layout if result.ndim == 4 else torch.contiguous_format
    return torch.empty_like(result, memory_format=layout).copy_(result)


def _one_by_one(operator: Callable[..., Any], axes: Any, arguments: Sequence[Any]) -> Any:
    mapped = [
        value.unbind(axis) if axis is not None else None
        for axis, value in zip(axes, arguments, strict=True)
    ]
    times = next(len(values) for values in mapped if values is not None)
    results = [
        operator(
            *(
                value if values is None else values[index]
                for values, value in zip(mapped, arguments, strict=True)
            )
        )
        for index in range(times)
    ]
    if isinstance(results[0], Tensor):
        return torch.stack(results), 0
    together = tuple(torch.stack(parts) for parts in zip(*results, strict=True))
    return together, (0,) * len(together)


def _remember(ctx: Any, inputs: Sequence[Any], output: Any) -> None:
    ctx.places = [place for place, value in enumerate(inputs) if isinstance(value, Tensor)]
    ctx.arguments = [None if isinstance(value, Tensor) else value for value in inputs]
    ctx.save_for_backward(*tensors_of(inputs))


def _backward(reference: Callable[..., Any], ctx: Any, gradients: Sequence[Any]) -> Any:
    """Compute the reference again, and differentiate it."""
    arguments, wanted = list(ctx.arguments), []
    for place, saved in zip(ctx.places, ctx.saved_tensors, strict=True):
        arguments[place] = saved.detach().requires_grad_(ctx.needs_input_grad[place])
        if ctx.needs_input_grad[place]:
            wanted.append(place)
    with torch.enable_grad():
        results = reference(*arguments)
    results = (results,) if isinstance(results, Tensor) else results
    pairs = [
        (result, gradient)
        for result, gradient in zip(results, gradients, strict=True)
        if result.requires_grad and gradient is not None
    ]
    found = torch.autograd.grad(
        [result for result, _ in pairs],
        [arguments[place] for place in wanted],
        [gradient for _, gradient in pairs],
        allow_unused=True,
    )
    by_place = dict(zip(wanted, found, strict=True))
    return tuple(by_place.get(place) for place in range(len(arguments)))
