"""A network's graph holds every weight once, and none of PyTorch's detours."""

from __future__ import annotations

import onnx
import torch

from napari_sr.onnx.graph import graph_of


def test_equal_weights_are_used_without_copies(example):
    network = example("johnson", norm="instance")  # all its factors are 1
    image = torch.rand(2, 3, 10, 13)

    graph = graph_of(network, image, 18).graph

    assert "Identity" not in {node.op_type for node in graph.node}
    onnx.checker.check_graph(graph)


def test_loops_use_weights_that_were_copies(example):
    graph = graph_of(example("esrt"), torch.rand(2, 3, 10, 13), 18).graph

    bodies = [
        attribute.g
        for node in graph.node
        for attribute in node.attribute
        if attribute.HasField("g")
    ]
    known = {value.name for value in (*graph.input, *graph.initializer)}
    known |= {name for node in graph.node for name in node.output}
    assert bodies, "attention is no loop"
    for body in bodies:
        inner = {value.name for value in (*body.input, *body.initializer)}
        inner |= {name for node in body.node for name in node.output}
        assert {name for node in body.node for name in node.input if name} <= known | inner
