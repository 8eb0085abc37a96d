"""What descriptions say about values, weights and tests."""

from __future__ import annotations

import contextlib
import copy

import pytest
from bioimage_packages import description, steps
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sr.graph.processing import Processing
from napari_sr.graph.processing_steps import Binarize, Clip, Convert, ScaleRange
from napari_sr.zoo.bioimage.description import Source, described
from napari_sr.zoo.limits import RefusedError

FLOATS = Convert("float32")
UNIT = {"type": "float32", "range": [0, 1]}


def test_the_facts_of_a_model_are_read():
    about = description(before=steps(("scale_range", {"axes": ["channel", "y", "x"]})))

    found = described(about)

    assert (found.format, found.kind, found.name) == ("0.5.4", "onnx", "A small enlarger")
    assert found.weights == Source("weights.onnx")
    assert found.tests == (Source("in.npy"), Source("out.npy"))
    assert found.processing == Processing(1, (FLOATS, ScaleRange(), FLOATS), (FLOATS,))
    assert (found.card.author, found.card.licence, found.card.scale) == ("Ada", "MIT", 2)


def test_a_network_from_0_to_1_gets_black_and_white_as_ours_do():
    clip = steps(("clip", {"min": 0, "max": 1}))
    about = description(data=UNIT, after=clip)
    assert described(about).processing == Processing(
        1, (FLOATS, FLOATS), (Clip(0.0, 1.0), FLOATS), (0.0, 1.0)
    )

    about["outputs"][0]["data"] = UNIT

    assert described(about).processing is None
    assert described(about).clips
    about["outputs"][0]["data"] = {}
    about["config"] = {"napari_sr": {"result": [0, 1]}}
    assert described(about).processing is None
    about["inputs"][0]["preprocessing"] = steps(("scale_linear", {"gain": 2}))
    assert described(about).processing is not None


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        ({"type": "uint8"}, (0, 255)),
        ({"type": "uint16", "range": [None, 4095]}, (0, 4095)),
        ({"type": "float32"}, None),
        ({"type": "float32", "range": [0, None]}, (0, float("inf"))),
    ],
)
def test_the_allowed_values_are_read(data, limits):
    processing = described(description(data=data)).processing

    assert processing.limits == limits


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ((), (Convert("uint8"), Convert("uint8"))),
        ([("clip", {"max": 9})], (Convert("uint8"), Clip(None, 9.0), Convert("uint8"))),
        ([("ensure_dtype", {"dtype": "float32"})], (FLOATS, Convert("uint8"))),
        (
            [("ensure_dtype", {"dtype": "int16"}), ("binarize", {"threshold": 3})],
            (Convert("int16"), Binarize(3.0)),
        ),
    ],
)
def test_missing_conversions_are_added_as_the_format_says(before, wanted):
    about = description(before=steps(*before), data={"type": "uint8"})
    about["outputs"][0]["data"] = {"type": "int16"}

    found = described(about).processing

    assert (found.before, found.after, found.whole) == (wanted, (Convert("int16"),), True)


def test_the_older_format_is_read():
    found = described(
        {
            "format_version": "0.4.10",
            "type": "model",
            "name": "old",
            "inputs": [
                {
                    "name": "raw", "axes": "bcyx", "data_type": "float32",
                    "data_range": ["-inf", "inf"],
                    "shape": {"min": [1, 1, 16, 16], "step": [0, 0, 8, 8]},
                    "preprocessing": [
                        {"name": "scale_range", "kwargs": {"mode": "per_sample", "axes": "xy"}}
                    ],
                }
            ],
            "outputs": [
                {
                    "name": "out", "axes": "bcyx", "data_type": "float32", "halo": [0, 0, 8, 8],
                    "shape": {"reference_tensor": "raw", "scale": [1, 1, 1, 1], "offset": [0] * 4},
                }
            ],
            "test_inputs": ["a.npy"],
            "test_outputs": ["b.npy"],
            "weights": {
                "pytorch_state_dict": {"source": "a.pt"},
                "torchscript": {"source": "b.pt", "sha256": "00"},
            },
        }
    )  # fmt: skip

    assert (found.kind, found.weights) == ("torchscript", Source("b.pt", "00"))
    assert found.processing == Processing(1, (FLOATS, ScaleRange(axes=(0, 1)), FLOATS), (FLOATS,))
    assert found.tests == (Source("a.npy"), Source("b.npy"))
    assert (found.geometry.scale, found.geometry.halo) == (1, 8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "dataset"}, "describes 'dataset', not a model"),
        ({"format_version": "0.3.6"}, "format '0.3.6': only 0.4 and 0.5"),
        ({"weights": {"pytorch_state_dict": {}}}, "formats pytorch_state_dict, but only onnx and"),
        ({"weights": None}, "formats none"),
        ({"weights": {"onnx": {"external_data": {}}}}, "whose weights are in another file"),
        ({"inputs": 3}, "has 0 inputs"),
        ({"outputs": [{**description()["outputs"][0], "data": {"type": "x"}}]}, "type 'x'"),
    ],
)
def test_other_descriptions_are_refused(change, words):
    with pytest.raises(RefusedError, match=words):
        described({**description(), **change})


def test_a_missing_package_is_named():
    with pytest.raises(RefusedError, match=r"only torchscript can be run .*napari-sr\[onnx\]"):
        described(description(), ("torchscript",))


def test_statistics_of_a_data_set_are_told():
    listed = steps(("zero_mean_unit_variance", {"axes": ["batch", "y", "x"]}))

    assert "Statistics of the data set" in " ".join(described(description(before=listed)).remarks)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_wrong_values_anywhere_are_refused_or_ignored(data):
    about = copy.deepcopy(description(before=steps(("clip", {"min": 0, "max": 1}))))
    table = about
    for _ in range(data.draw(st.integers(1, 6))):
        keys = list(table) if isinstance(table, dict) else list(range(len(table)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(table[key], dict | list) or data.draw(st.booleans()):
            table[key] = data.draw(
                st.sampled_from([None, 3, -1, 0.5, "x", [], {}, [[]], {"a": 1}, True, 10**400])
            )
            break
        table = table[key]

    with contextlib.suppress(RefusedError):
        described(about)
