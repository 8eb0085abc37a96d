"""Foreign ONNX files."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from bioimage_packages import Enlarger, weights

from napari_sr.zoo.limits import RefusedError

pytestmark = pytest.mark.needs("onnx")
IMAGE = np.random.default_rng(0).random((1, 1, 9, 14), np.float32)


@pytest.fixture
def program():
    from napari_sr.zoo.bioimage.onnx_program import OnnxProgram

    return OnnxProgram


def test_a_file_computes_its_network(program):
    found = program(weights())

    with torch.inference_mode():
        wanted = Enlarger().eval()(torch.from_numpy(IMAGE))
    np.testing.assert_allclose(found(IMAGE), wanted, rtol=0, atol=1e-6)
    assert found.weights == 25 * 4 + 4 + 9 * 16 + 4
    assert copy.deepcopy(found) is found


def test_the_memory_of_features_is_read_from_the_graph(program):
    found = program(weights())

    # two planes of 4 features at once, before and after the ReLU
    assert found.values_at_once((1, 1, 20, 30)) == 8 * 600


def test_an_input_that_does_not_fit_is_an_error_in_one_sentence(program):
    with pytest.raises(ValueError, match=r"failed for an input of \(1, 2, 9, 14\)"):
        program(weights())(IMAGE.repeat(2, 1))


def changed(change):
    import onnx

    model = onnx.load_model_from_string(weights())
    change(model.graph)
    return model.SerializeToString()


def external(graph):
    tensor = graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def hidden(graph):
    external(graph)
    attribute = graph.node[0].attribute.add(name="value", type=4)
    attribute.t.CopyFrom(graph.initializer[0])
    del graph.initializer[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (external, "reads other files"),
        (hidden, "reads other files"),
        (lambda graph: setattr(graph.node[0], "op_type", "Evil"), "onnxruntime cannot run"),
        (lambda graph: setattr(graph.node[0], "domain", "evil"), "onnxruntime cannot run"),
        (lambda graph: graph.input.append(graph.output[0]), "cannot run|2 inputs"),
    ],
)
def test_other_files_are_refused(program, change, words):
    with pytest.raises(RefusedError, match=words):
        program(changed(change))


@pytest.mark.parametrize("content", [b"", b"PK", b"\x08\x08\xff\xff", weights.__name__.encode()])
def test_damaged_files_are_refused(program, content):
    with pytest.raises(RefusedError, match="ONNX file"):
        program(content)
    with pytest.raises(RefusedError, match="ONNX file"):
        program(weights()[:200])
