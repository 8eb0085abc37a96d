"""A network as an ONNX graph for any image size.

PyTorch has two exporters. We use the older one, which traces the network (`dynamo=False`; in torch
2.6 to 2.15). With torch 2.13, it writes each of our networks in less than a second, correct for
every image size. The newer one, `torch.export`, keeps the operators of our kernels, which no other
program knows, and took 1 to 20 s per network.

Symbols: N images, C image channels, H x W pixels, S scale.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import ChunkedAttention, Step
from napari_sr.graph.run import run
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.graph.chain import Chain, Link
    from napari_sr.graph.network import Network

IMAGE, RESULT = "image", "result"
"""Names of the graph's input, (N, C, H, W) in 0..1, and output, (N, C, S * H, S * W), unclipped."""


class ExportError(RuntimeError):
    """A network cannot be exported, or its file gives different results."""


def graph_of(network: Network, image: Tensor, opset: int) -> Any:
    """Return a network as ONNX's `ModelProto`, for any number of images of any size.

    Parameters
    ----------
    network : Network
        The network, on the CPU, in eval mode.
    image : Tensor, (N, C, H, W)
        An image that the network accepts; N above 1.
    opset : int
        Version of ONNX's operators.

    Raises
    ------
    ExportError
        If PyTorch cannot export the network.
    """
    import onnx

    model = onnx.load_model_from_string(_traced(network, image, opset))
    _remove_copies(model.graph)
    return model


class _Whole(nn.Module):
    """A module that runs a network on a whole image, for tracing."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return run(_traceable(self.network.chain()), image)


def _traceable(chain: Chain) -> Chain:
    def step(link: Link) -> Link:
        if not isinstance(link, ChunkedAttention) or link.traced is None:
            return link
        traced = link.traced

        def compute(queries: Tensor, keys: Tensor) -> Tensor:
            found = traced(queries.flatten(2), keys.flatten(2))
            return found.reshape(*found.shape[:2], *queries.shape[2:])

        return Step(compute, link.reads, (link.writes,))

    return tuple(map(step, chain))


def _traced(network: Network, image: Tensor, opset: int) -> bytes:
    """Return the network as an ONNX file's content."""
    try:
        with (
            warnings.catch_warnings(),
            use_kernels("reference"),
            tempfile.TemporaryDirectory() as folder,
        ):
            warnings.simplefilter("ignore")  # warnings of tracing: the check afterwards decides
            torch.onnx.export(
                _Whole(network).eval(),
                (image,),
                os.path.join(folder, "traced.onnx"),
                dynamo=False,
                opset_version=opset,
                input_names=[IMAGE],
                output_names=[RESULT],
                dynamic_axes={
                    IMAGE: {0: "images", 2: "height", 3: "width"},
                    RESULT: {0: "images", 2: "result_height", 3: "result_width"},
                },
            )
            return Path(folder, "traced.onnx").read_bytes()
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError) as error:
        (first, *_) = str(error).strip().splitlines() or [type(error).__name__]
        raise ExportError(f"PyTorch cannot export {network.title}: {first}") from error


def _remove_copies(graph: Any) -> None:
    """Remove the nodes that PyTorch inserts to share equal weights.

    These nodes are valid, but onnxruntime 1.31 refuses some graphs that have them.
    """
    kept = {entry.name for entry in graph.output}
    copies = [
        node
        for node in graph.node
        if node.op_type == "Identity" and not kept.intersection(node.output)
    ]
    names: dict[str, str] = {}
    for node in copies:
        names[node.output[0]] = names.get(node.input[0], node.input[0])
        graph.node.remove(node)
    _rename(graph, names)


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Replace inputs of all nodes, also inside loops."""
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)
