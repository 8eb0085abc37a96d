"""Libraries that compile segments for this processor, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from napari_sr.engine.backends import onnxruntime, openvino

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Arrays: TypeAlias = "Sequence[NDArray[np.float32]]"
Compute: TypeAlias = "Callable[[Arrays], Arrays]"
"""Computes a segment; the next call may overwrite the results."""


class Model(Protocol):
    """A compiled segment in memory."""

    def start(self) -> Compute:
        """Return a function that computes the segment, with results of its own."""
        ...


class Compiler(Protocol):
    """A library that compiles segments; each is a module."""

    SUFFIXES: tuple[str, ...]
    """Suffixes of the files of a segment."""
    PRECISIONS: tuple[str, ...]
    """Precisions in which it computes."""
    EXTRA: str
    """The extra of napari-sr that installs it."""

    def version(self) -> str:
        """Return its version, "" where it is not installed; does not import it."""
        ...

    def errors(self) -> tuple[type[BaseException], ...]:
        """Return the errors that it raises for segments that it cannot compile."""
        ...

    def convert(
        self, function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor], path: Path
    ) -> None:
        """Write a function of tensors of just these shapes to files.

        Parameters
        ----------
        function : callable
            Takes tensors, returns a tuple of tensors.
        inputs : sequence of Tensor
            In float32, on the CPU.
        path : Path
            Of the files, without their suffix.
        """
        ...

    def load(self, path: Path, precision: str, cache: Path | None) -> Model:
        """Load a function from its files.

        Parameters
        ----------
        path : Path
            Of the files, without their suffix.
        precision : str
            One of `PRECISIONS`.
        cache : Path, optional
            Folder for the library's own files.
        """
        ...


COMPILERS: dict[str, Compiler] = {"openvino": openvino, "onnxruntime": onnxruntime}
"""By the name of the engine; the one that is usually faster comes first."""


def installed() -> list[str]:
    """Return the names of the compilers that are installed; does not import them."""
    return [name for name, compiler in COMPILERS.items() if compiler.version()]


def largest_error(results: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Return the largest difference, where the largest expected value of a plane is 1."""
    pairs = zip(results, expected, strict=True)
    errors = [
        float((result - wanted).abs().max() / wanted.abs().max().clamp(min=1e-6))
        for result, wanted in pairs
        if wanted.numel()
    ]
    # NaN is no small error
    return max((error if error == error else float("inf") for error in errors), default=0.0)
