"""Foreign ONNX files."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from bioimage_packages import Enlarger, weights

from napari_sr.zoo import cancelling
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


def endless():
    """Return an ONNX file that doubles its image for ever."""
    from onnx import TensorProto, helper

    def value(name, kind, shape=None):
        return helper.make_tensor_value_info(name, kind, shape)

    yes, numbers, place = TensorProto.BOOL, TensorProto.FLOAT, TensorProto.INT64
    nodes = [
        helper.make_node("Identity", ["go"], ["go on"]),
        helper.make_node("Add", ["x", "x"], ["larger"]),
    ]
    inputs = [value("place", place, []), value("go", yes, []), value("x", numbers)]
    body = helper.make_graph(nodes, "body", inputs, [value("go on", yes), value("larger", numbers)])
    loop = helper.make_node("Loop", ["", "yes", "image"], ["result"], body=body)
    ends = [[value(name, numbers, [1, 1, None, None])] for name in ("image", "result")]
    graph = helper.make_graph([loop], "all", *ends, [helper.make_tensor("yes", yes, [], [True])])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def test_a_program_that_never_ends_is_stopped_if_the_user_cancels(program, monkeypatch):
    monkeypatch.setattr(cancelling, "PAUSE", 0.001)
    asked = []

    def cancelled():
        asked.append(True)
        return len(asked) > 5

    with cancelling.cancelled_if(cancelled), pytest.raises(cancelling.CancelledError):
        program(endless())(IMAGE)


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


def with_function(nodes):
    """Return a file with a function of its own, which a node of the graph calls."""
    import onnx
    from onnx import helper

    imports = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    own = helper.make_function("own", "Twice", ["a"], ["b"], nodes, imports[:1])
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, "h", "w"])
        for name in "xy"
    ]
    call = helper.make_node("Twice", ["x"], ["y"], domain="own")
    graph = helper.make_graph([call], "g", ends[:1], ends[1:])
    return helper.make_model(graph, functions=[own], opset_imports=imports, ir_version=9)


def test_functions_of_a_file_are_run_and_searched_for_other_files(program):
    from onnx import helper, numpy_helper

    image = np.random.default_rng(0).random((1, 1, 6, 7)).astype(np.float32)
    twice = with_function([helper.make_node("Add", ["a", "a"], ["b"])])
    value = numpy_helper.from_array(np.ones(3, np.float32))
    value.data_location = 1
    constant = helper.make_node("Constant", [], ["c"], value=value)
    reads = with_function([constant, helper.make_node("Add", ["a", "c"], ["b"])])

    np.testing.assert_array_equal(program(twice.SerializeToString())(image), 2 * image)
    with pytest.raises(RefusedError, match="reads other files"):
        program(reads.SerializeToString())


@pytest.mark.parametrize("content", [b"", b"PK", b"\x08\x08\xff\xff", weights.__name__.encode()])
def test_damaged_files_are_refused(program, content):
    with pytest.raises(RefusedError, match="ONNX file"):
        program(content)
    with pytest.raises(RefusedError, match="ONNX file"):
        program(weights()[:200])
