"""Run a foreign ONNX file with onnxruntime, on the CPU."""

from __future__ import annotations

import math
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.backends import onnxruntime as backend
from napari_sr.zoo.cancelling import stopped_if_cancelled
from napari_sr.zoo.limits import BROKEN, RefusedError, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

UNKNOWN = 512
"""Values per pixel of the largest features if a file does not show them."""
_EXTERNAL = 1


def available() -> bool:
    """Return whether the packages onnx and onnxruntime are installed."""
    return bool(backend.version())


class OnnxProgram:
    """A network in an ONNX file.

    Parameters
    ----------
    content : bytes
        The file.

    Raises
    ------
    RefusedError
        If it is damaged, reads other files, has several inputs, or onnxruntime cannot run it.
    """

    def __init__(self, content: bytes) -> None:
        import onnx
        import onnxruntime
        from google.protobuf.message import DecodeError

        try:
            self._model = onnx.load_model_from_string(content)
        except (*BROKEN, DecodeError) as error:
            raise RefusedError(f"has a damaged ONNX file ({first_line(error)})") from error
        graphs = list(_graphs(self._model.graph))
        bodies = [inner for one in self._model.functions for inner in _graphs(one)]
        tensors = (one for graph in (*graphs, *bodies) for one in _tensors(graph))
        if any(one.data_location == _EXTERNAL for one in tensors):
            raise RefusedError("has an ONNX file that reads other files")
        self.weights = sum(math.prod(one.dims) for graph in graphs for one in graph.initializer)
        """Number of weights."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._errors: tuple[type[BaseException], ...] = (*backend.errors(), *BROKEN)
        try:
            self._session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
        except self._errors as error:
            raise RefusedError(
                f"has an ONNX file that onnxruntime cannot run ({first_line(error)})"
            ) from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise RefusedError(f"has an ONNX file with {len(inputs)} inputs instead of one")
        self._input = inputs[0].name
        self._type = _TYPES.get(inputs[0].type)
        if self._type is None:
            raise RefusedError(f"has an ONNX file that reads {inputs[0].type}, not floats")
        self._output = self._session.get_outputs()[0].name

    def __deepcopy__(self, memo: dict[int, Any]) -> OnnxProgram:
        """Return the same program: it is never changed."""
        return self

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the first output for an input.

        Raises
        ------
        ValueError
            If the file cannot compute it; the message has the reason.
        CancelledError
            If the user cancelled the run meanwhile.
        """
        import onnxruntime

        options = onnxruntime.RunOptions()
        inputs = {self._input: image.astype(self._type, copy=False)}
        try:
            with stopped_if_cancelled(partial(setattr, options, "terminate", True)):
                (found,) = self._session.run([self._output], inputs, options)
        except self._errors as error:
            raise ValueError(
                f"onnxruntime failed for an input of {image.shape}: {first_line(error)}"
            ) from error
        return np.asarray(found, np.float32)

    @cached_property
    def nodes(self) -> list[tuple[list[str], list[str]]]:
        """The names that each node of the graph reads and writes, in their order."""
        return [(list(node.input), list(node.output)) for node in self._model.graph.node]

    def values_at_once(self, shape: tuple[int, ...]) -> float:
        """Return the largest number of values in memory at once, for an input of this shape."""
        import onnx

        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for place, length in zip(
            model.graph.input[0].type.tensor_type.shape.dim, shape, strict=False
        ):
            place.dim_value = length
        try:
            known = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
        except BROKEN:
            return UNKNOWN * math.prod(shape)
        sizes = {one.name: _count(one) for one in (*known.value_info, *known.input, *known.output)}
        return _peak(self.nodes, sizes) or UNKNOWN * math.prod(shape)


_TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
}  # fmt: skip


def _count(value: Any) -> int:
    """Return the number of elements of a tensor; 0 if it is unknown."""
    return math.prod(dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _peak(nodes: list[tuple[list[str], list[str]]], sizes: dict[str, int]) -> int:
    """Return the largest number of values that are needed at once; 0 if most sizes are unknown."""
    written = [name for _, outputs in nodes for name in outputs]
    if not written or sum(bool(sizes.get(name)) for name in written) < len(written) / 2:
        return 0
    last = {name: place for place, (inputs, _) in enumerate(nodes) for name in inputs}
    alive: dict[str, int] = {}
    peak = 0
    for place, (_, outputs) in enumerate(nodes):
        alive |= {name: sizes.get(name, 0) for name in outputs}
        peak = max(peak, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last.get(name, 0) > place}
    return peak


def _graphs(graph: Any) -> Iterator[Any]:
    """Yield a graph or a function, and the graphs in its loops and branches."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _graphs(inner)


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield the constants of a graph or a function; functions have them only in their nodes."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
