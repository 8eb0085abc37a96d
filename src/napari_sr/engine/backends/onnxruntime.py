"""ONNX Runtime as a compiler of segments."""

from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.engine.backends.interface import POLL, share_since
from napari_sr.engine.backends.openvino import AsModule

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_sr.engine.backends.compilers import Tensors

SUFFIXES: tuple[str, ...] = (".onnx",)
PRECISIONS: tuple[str, ...] = ("float32",)
EXTRA = "onnx"
OPSET = 18
_SEVERE = 4
"""Log level of fatal errors; messages of lower levels are not written to standard error."""


@lru_cache
def version() -> str:
    """Return the version of ONNX Runtime, "" if onnxruntime or onnx is missing."""
    try:
        version_of("onnx")  # PyTorch's exporter needs onnx
        return version_of("onnxruntime")
    except PackageNotFoundError:
        return ""


def errors() -> tuple[type[BaseException], ...]:
    """Return the exception classes that ONNX Runtime and PyTorch's exporter raise."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = (kind for kind in vars(state).values() if isinstance(kind, type))
    found = tuple(kind for kind in kinds if issubclass(kind, Exception))
    return *found, torch.onnx.errors.OnnxExporterError


def convert(
    function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor], path: Path
) -> None:
    """Write a function to files, as `Compiler.convert` does."""
    with warnings.catch_warnings():
        # tracing warns that shapes become constants, which is intended
        warnings.simplefilter("ignore")
        torch.onnx.export(
            AsModule(function).eval(),
            tuple(inputs),
            str(path.with_suffix(".onnx")),
            dynamo=False,
            opset_version=OPSET,
        )


def load(path: Path, precision: str, cache: Path | None) -> Loaded:
    """Load a function from its files, as `Compiler.load` does."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SEVERE
    options.intra_op_num_threads = torch.get_num_threads()
    # threads that spin while they wait would slow down PyTorch between two segments
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    file = str(path.with_suffix(".onnx"))
    return Loaded(onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"]))


class Loaded:
    """A compiled segment."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._names = [one.name for one in session.get_inputs()]

    def start(self) -> Loaded:
        """Return this object: each of its calls returns new arrays."""
        return self

    def __call__(self, tensors: Tensors, options: Any = None) -> Tensors:
        """Return the segment's outputs, as `Compute` does."""
        arrays = (tensor.contiguous().numpy() for tensor in tensors)
        found = self._session.run(None, dict(zip(self._names, arrays, strict=True)), options)
        return list(map(torch.from_numpy, found))

    def steps(self, tensors: Tensors, seconds: float) -> Generator[float, None, Tensors]:
        """Compute the outputs in a thread, as `Compute.steps` does."""
        from onnxruntime import RunOptions

        options, began = RunOptions(), time.monotonic()
        with ThreadPoolExecutor(1, "napari-sr-onnx") as pool:
            future = pool.submit(self, tensors, options)
            try:
                while not wait((future,), POLL).done:
                    yield share_since(began, seconds)
            except GeneratorExit:
                options.terminate = True  # ends the thread before `pool` waits for it
                raise
            return future.result()

    def free(self) -> None:
        """Do nothing: ONNX Runtime frees its memory by itself."""
