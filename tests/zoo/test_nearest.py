"""A foreign checkpoint is told what it resembles, and what is wrong with it."""

from __future__ import annotations

import re

import pytest
import torch

from napari_sr import models
from napari_sr.zoo import recognition
from napari_sr.zoo.recognition import UnknownNetworkError

PUBLIC = (
    (r"^head\.", "conv_first."),
    (r"^blocks\.(\d+)\.dense\.0\.", r"body.\1.rdb1."),
    (r"^blocks\.(\d+)\.dense\.1\.", r"body.\1.rdb2."),
    (r"^blocks\.(\d+)\.dense\.2\.", r"body.\1.rdb3."),
    (r"\.grow\.0\.", ".conv1."),
    (r"\.grow\.1\.", ".conv2."),
    (r"\.grow\.2\.", ".conv3."),
    (r"\.grow\.3\.", ".conv4."),
    (r"(rdb.)\.last\.", r"\1.conv5."),
    (r"^merge\.", "conv_body."),
    (r"^enlarge\.0\.", "conv_up1."),
    (r"^enlarge\.1\.", "conv_up2."),
    (r"^smooth\.", "conv_hr."),
    (r"^tail\.", "conv_last."),
)
"""Our names of ESRGAN's tensors to BasicSR's."""


def renamed(key):
    for pattern, replacement in PUBLIC:
        key = re.sub(pattern, replacement, key)
    return key


@pytest.fixture
def esrgan():
    """Return tensors of ESRGAN's shapes, without memory, under BasicSR's names."""
    with torch.device("meta"):
        state = models.architecture("rrdbnet").network(scale=4).state_dict()
    return {renamed(key): value for key, value in state.items()}


def refusal(state):
    with pytest.raises(UnknownNetworkError) as told:
        recognition.recognise(state)
    return str(told.value)


def test_a_truncated_checkpoint_is_told_what_is_missing(esrgan):
    kept = {key: value for key, value in esrgan.items() if not key.startswith("body.22.rdb3")}
    assert recognition.recognise(esrgan)[2]["blocks"] == 23

    message = refusal(kept)

    assert message.startswith("a checkpoint must match one network; this one matches none of the")
    assert "it has 692 tensors, the first of them conv_first.weight, conv_first.bias" in message
    assert message.endswith(
        "the nearest is RRDBNet (ESRGAN): 10 of its 702 tensors are missing: "
        "blocks.22.dense.2.grow.0.weight, blocks.22.dense.2.grow.0.bias, ..."
    )


def test_what_tells_the_widths_may_be_what_is_missing(esrgan):
    del esrgan["conv_first.weight"]

    assert refusal(esrgan).endswith("1 of its 702 tensors is missing: head.weight")


def test_a_tensor_of_another_shape_is_named_as_in_the_file_with_both_shapes(esrgan):
    esrgan["body.0.rdb1.conv1.weight"] = torch.zeros(16, 64, 3, 3)

    assert refusal(esrgan).endswith(
        "RRDBNet (ESRGAN): 1 is of another shape: body.0.rdb1.conv1.weight has (16, 64, 3, 3) "
        "where (32, 64, 3, 3) is needed"
    )


def test_tensors_that_have_no_place_are_named_as_in_the_file(esrgan):
    esrgan |= {f"aux.{index}.weight": torch.zeros(3) for index in range(3)}

    assert refusal(esrgan).endswith("3 are unknown: aux.0.weight, aux.1.weight, ...")


@pytest.mark.parametrize("name", [name for name in models.names() if name != "interpolation"])
def test_every_network_is_nearest_to_its_own_checkpoint_without_its_last_tensor(name, example):
    record = models.architecture(name)
    state = example(name).state_dict()
    *kept, _ = state

    assert f"the nearest is {record.title}: " in refusal({key: state[key] for key in kept})


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"a": torch.zeros(3), "b.weight": torch.zeros(3, 3)},
        {"head.weight": torch.zeros(5), "fc.1.weight": torch.zeros(2), "fc.2.bias": torch.zeros(2)},
    ],
    ids=["empty", "random", "one common name"],
)
def test_of_what_is_like_none_no_resemblance_is_claimed(state):
    assert refusal(state).endswith("it resembles none of them")


def test_the_answer_does_not_depend_on_the_order_of_tensors(esrgan):
    del esrgan["conv_hr.bias"]
    turned = dict(reversed(esrgan.items()))

    assert refusal(esrgan).partition("nearest")[2] == refusal(turned).partition("nearest")[2]
