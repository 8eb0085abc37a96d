"""OpenVINO as a compiler of segments.

Compiled segments read and write planes with channels last, as OpenVINO stores them internally.
Planes with channels first would have to be rearranged. With channels last, RFDN x4 takes 0.86 times
as long as with channels first (in tiles of 347 px).
"""

from __future__ import annotations

import sys
import time
import warnings
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.engine.backends.interface import POLL, share_since
from napari_sr.engine.backends.openvino_layout import with_channels_last, with_results_as_they_are
from napari_sr.engine.backends.openvino_order import own_outputs, with_early_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_sr.engine.backends.compilers import Tensors

SUFFIXES: tuple[str, ...] = (".bin", ".xml")
PRECISIONS: tuple[str, ...] = ("float32", "bfloat16")
EXTRA = "openvino"
_TELEMETRY = "openvino_telemetry"
_HINTS = {"float32": "f32", "bfloat16": "bf16"}


@lru_cache
def version() -> str:
    """Return the version of OpenVINO, "" if it is not installed."""
    try:
        return version_of("openvino")
    except PackageNotFoundError:
        return ""


def errors() -> tuple[type[BaseException], ...]:
    """Return the errors of OpenVINO that are not RuntimeErrors."""
    frontend = _library().frontend
    return frontend.OpConversionFailure, frontend.GeneralFailure


def configuration(precision: str = "float32") -> dict[str, str]:
    """Return the options of OpenVINO: the precision, and as many threads as PyTorch has."""
    return {
        # by default, OpenVINO uses bfloat16 or float16 if the processor supports it
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
    }


def convert(
    function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor], path: Path
) -> None:
    """Write a function to files, as `Compiler.convert` does."""
    openvino = _library()
    with warnings.catch_warnings():
        # tracing warns that shapes become constants, which is intended
        warnings.simplefilter("ignore")
        examples = tuple(map(channels_last, inputs))
        module = AsModule(_with_channels_last(function))
        model = openvino.convert_model(module, example_input=examples)
    shapes = zip(model.inputs, examples, strict=True)
    model.reshape({place: list(tensor.shape) for place, tensor in shapes})
    model = with_early_sums(with_channels_last(model))
    model = with_results_as_they_are(model, _compiled)
    openvino.save_model(model, path.with_suffix(".xml"), compress_to_fp16=False)


def channels_last(tensor: Tensor) -> Tensor:
    """Return planes, (N, C, H, W), as (N, H, W, C), without a copy; keep other tensors."""
    return tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor


def _channels_first(tensor: Tensor) -> Tensor:
    """Undo `channels_last`."""
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def _with_channels_last(
    function: Callable[..., tuple[Tensor, ...]],
) -> Callable[..., tuple[Tensor, ...]]:
    """Return the function for planes whose channels are last."""

    def wrapped(*tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(channels_last, function(*map(_channels_first, tensors))))

    return wrapped


class AsModule(torch.nn.Module):
    """A function as a module, which can be traced."""

    def __init__(self, function: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Compute the function."""
        return self.function(*tensors)


def load(path: Path, precision: str, cache: Path | None) -> Loaded:
    """Load a function from its files, as `Compiler.load` does."""
    return Loaded(_compiled(str(path.with_suffix(".xml")), precision, str(cache or "")))


def _compiled(model: Any, precision: str = "float32", cache: str = "") -> Any:
    """Compile a model, or the model in a file."""
    return _core(cache).compile_model(model, "CPU", configuration(precision))


def _library() -> Any:
    """Import OpenVINO without its telemetry, which would report use to Google Analytics.

    The telemetry also creates a folder in the user's home, and starts processes that may import the
    user's script again.
    """
    if "openvino" not in sys.modules and _TELEMETRY not in sys.modules:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # its import fails
        try:
            return import_module("openvino")
        finally:
            del sys.modules[_TELEMETRY]
    return import_module("openvino")


@lru_cache
def _core(cache: str) -> Any:
    core = _library().Core()
    core.set_property({"CACHE_DIR": cache})
    return core


class Loaded:
    """A compiled segment."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def start(self) -> Request:
        """Return an object that computes the segment, as `Model.start` does."""
        return Request(self._compiled)

    def free(self) -> None:
        """Free the memory of intermediate values, as `Model.free` does."""
        _release(self._compiled)


class Request:
    """Computes a segment into its own result buffers, as `Compute` does.

    The buffers live until `free` is called and the last result is no longer used.

    Parameters
    ----------
    compiled : openvino.CompiledModel
        The segment.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._made: Any = None
        self._outputs = own_outputs(compiled)

    @property
    def _request(self) -> Any:
        if self._made is None:
            self._made = self._compiled.create_infer_request()
        return self._made

    def __call__(self, tensors: Tensors) -> Tensors:
        """Return the segment's outputs."""
        found = self._request.infer(_arrays(tensors), share_inputs=True, share_outputs=True)
        return [_channels_first(torch.from_numpy(found[index])) for index in self._outputs]

    def steps(self, tensors: Tensors, seconds: float) -> Generator[float, None, Tensors]:
        """Compute the outputs in OpenVINO's threads, as `Compute.steps` does."""
        began, request = time.monotonic(), self._request
        arrays = _arrays(tensors)  # OpenVINO reads them until it has finished
        request.start_async(arrays, share_inputs=True)
        try:
            while not request.wait_for(round(1e3 * POLL)):
                yield share_since(began, seconds)
        except GeneratorExit:
            request.cancel()
            with suppress(RuntimeError):  # the error that it was cancelled
                request.wait()
            raise
        found = (request.get_output_tensor(index).data for index in self._outputs)
        return [_channels_first(torch.from_numpy(array)) for array in found]

    def free(self) -> None:
        """Free the memory of intermediate values and results, as `Compute.free` does."""
        self._made = None
        _release(self._compiled)


def _release(compiled: Any) -> None:
    with suppress(RuntimeError):  # a run is computing the segment
        compiled.release_memory()


def _arrays(tensors: Tensors) -> list[Any]:
    # planes with channels last in memory are not copied
    return [channels_last(tensor).contiguous().numpy() for tensor in tensors]
