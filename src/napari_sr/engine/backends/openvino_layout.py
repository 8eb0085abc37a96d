"""The layout in which OpenVINO computes with planes: channels last, as for its convolutions.

A model of ours transposes its inputs from channels last to channels first. OpenVINO drops the
transposition if the next operation takes channels last, as convolutions do. But sums and products
take the layout of most of what they read, and a channel gate, one value for each channel, always
counts as channels first. So the gated end of a block is computed with channels first: each plane is
rearranged for it, and back for the next convolution, which takes up to a third of the time of a
segment of BSRN x2. Before such an operation, a convolution of each channel with 1, which changes no
value, makes OpenVINO keep channels last.

Results are transposed back. OpenVINO drops this transposition, too, except that of some results: in
stages of BSRN-S and BSRN, one of a sum of planes, for up to a fifth of the time. Which one it is
depends on the whole model, so the compiled model is asked. A result that it transposes is convolved
with 1 before, which makes OpenVINO drop the transposition.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ELEMENTWISE = frozenset({"Add", "Multiply"})


def with_channels_last(model: Any) -> Any:
    """Return a model whose gated sums and products keep channels last; the model is changed.

    Parameters
    ----------
    model : openvino.Model
        A model with fixed shapes that transposes its inputs, (N, H, W, C), to (N, C, H, W).
    """
    inputs = list(_transposed(model))
    gates = set().union(*(_readers(one) for one in inputs if _pixels(one) == 1))
    gated = set().union(*(group for group in _groups(model) if group & gates))
    for plane in inputs:
        if _pixels(plane) > 1 and _readers(plane) & gated:
            _convolve_by_one(plane, list(plane.get_target_inputs()))
    return model


def with_results_as_they_are(model: Any, compiled: Callable[[Any], Any]) -> Any:
    """Return a model whose results are not transposed when they are written; the model is changed.

    Parameters
    ----------
    model : openvino.Model
        A model with fixed shapes that transposes its results from (N, C, H, W) to (N, H, W, C).
    compiled : callable
        Compiles a model; called only if the model has results that OpenVINO may transpose.
    """
    transposes = [result.input_value(0).get_node() for result in model.results]
    sums = [one for one in transposes if one.get_type_name() == "Transpose" and _is_of_a_sum(one)]
    if sums:
        executed = _executed(compiled(model), "Transpose")
        for transpose in sums:
            if transpose.get_friendly_name() in executed:
                _convolve_by_one(transpose.input_value(0), [transpose.input(0)])
    return model


def _is_of_a_sum(transpose: Any) -> bool:
    """Return whether a node transposes a sum or product of planes."""
    source = transpose.input_value(0).get_node()
    if source.get_type_name() not in _ELEMENTWISE:
        return False
    return all(len(one.get_shape()) == 4 and _pixels(one) > 1 for one in source.input_values())


def _executed(compiled: Any, kind: str) -> set[str]:
    """Return the names of the operations of a kind that a compiled model executes."""
    nodes = compiled.get_runtime_model().get_ops()
    return {one.get_friendly_name() for one in nodes if one.get_rt_info()["layerType"] == kind}


def _transposed(model: Any) -> Iterator[Any]:
    """Yield the inputs of a model as outputs of the nodes that transpose them."""
    for parameter in model.parameters:
        for reader in parameter.output(0).get_target_inputs():
            if reader.get_node().get_type_name() == "Transpose":
                yield reader.get_node().output(0)


def _pixels(plane: Any) -> int:
    return int(np.prod(plane.get_shape()[2:]))


def _readers(plane: Any) -> set[str]:
    return {each.get_node().get_friendly_name() for each in plane.get_target_inputs()}


def _groups(model: Any) -> list[set[str]]:
    """Return the names of sums and products that read each other's results, group by group."""
    groups: list[set[str]] = []
    for node in model.get_ordered_ops():
        if node.get_type_name() in _ELEMENTWISE:
            sources = {value.get_node().get_friendly_name() for value in node.input_values()}
            joined = [group for group in groups if group & sources]
            groups = [group for group in groups if not group & sources]
            groups.append({node.get_friendly_name()}.union(*joined))
    return groups


def _convolve_by_one(plane: Any, readers: list[Any]) -> None:
    """Let some readers of a plane, (N, C, H, W), read the plane convolved with 1 instead."""
    opset = import_module("openvino.opset13")
    ones = np.ones((plane.get_shape()[1], 1, 1, 1, 1), np.float32)
    where = [1, 1], [0, 0], [0, 0], [1, 1]  # strides, padding and dilations
    same = opset.group_convolution(plane, opset.constant(ones), *where)
    for reader in readers:
        reader.replace_source_output(same.output(0))
