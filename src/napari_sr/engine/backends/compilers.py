"""Libraries that compile segments for this processor, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from napari_sr.engine.backends import onnxruntime, openvino

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from torch import Tensor

Tensors: TypeAlias = "Sequence[Tensor]"


class Compute(Protocol):
    """Computes a segment; the next call may overwrite the results."""

    def __call__(self, tensors: Tensors) -> Tensors:
        """Return the segment's outputs for its inputs, `tensors`."""
        ...

    def steps(self, tensors: Tensors, seconds: float) -> Generator[float, None, Tensors]:
        """Compute the outputs; every `interface.POLL` seconds, yield the share that is done.

        If the generator is closed, the computation stops after the current operation.

        Parameters
        ----------
        tensors : sequence of Tensor
            The segment's inputs.
        seconds : float
            Expected duration of the computation; 0 if it is unknown.
        """
        ...

    def free(self) -> None:
        """Free the memory of intermediate values; results stay as they are."""
        ...


class Model(Protocol):
    """A compiled segment in memory."""

    def start(self) -> Compute:
        """Return a function that computes the segment into its own result buffers."""
        ...

    def free(self) -> None:
        """Free the memory of intermediate values, unless a run is computing the segment."""
        ...


class Compiler(Protocol):
    """A library that compiles segments; a module of this package implements it."""

    SUFFIXES: tuple[str, ...]
    """Suffixes of the files in which the library stores a segment."""
    PRECISIONS: tuple[str, ...]
    """Precisions that the library supports."""
    EXTRA: str
    """The extra of napari-sr that installs the library."""

    def version(self) -> str:
        """Return the library's version without importing it; "" if it is not installed."""
        ...

    def errors(self) -> tuple[type[BaseException], ...]:
        """Return the errors that the library raises for segments that it cannot compile."""
        ...

    def convert(
        self, function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor], path: Path
    ) -> None:
        """Write a function to files, for tensors of exactly these shapes.

        Parameters
        ----------
        function : callable
            Takes tensors, returns a tuple of tensors.
        inputs : sequence of Tensor
            Example inputs in float32, on the CPU.
        path : Path
            Path of the files, without their suffix.
        """
        ...

    def load(self, path: Path, precision: str, cache: Path | None) -> Model:
        """Load a function from its files.

        Parameters
        ----------
        path : Path
            Path of the files, without their suffix.
        precision : str
            One of `PRECISIONS`.
        cache : Path, optional
            Folder for the library's own files.
        """
        ...


COMPILERS: dict[str, Compiler] = {"openvino": openvino, "onnxruntime": onnxruntime}
"""Compilers by engine name; the one that is usually faster comes first."""


def installed() -> list[str]:
    """Return the names of the installed compilers, without importing them."""
    return [name for name, compiler in COMPILERS.items() if compiler.version()]


def largest_error(results: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Return the largest difference, relative to the largest expected value of each plane."""
    pairs = zip(results, expected, strict=True)
    errors = [
        float((result - wanted).abs().max() / wanted.abs().max().clamp(min=1e-6))
        for result, wanted in pairs
        if wanted.numel()
    ]
    # NaN counts as an infinite error
    return max((error if error == error else float("inf") for error in errors), default=0.0)
