"""FSRCNN against reference code, and its layouts of keys."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("FSRCNN", "synth_FSRCNN"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state, scale=case.scale)

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


@pytest.mark.parametrize(
    ("options", "weights", "parameters"),
    # the paper counts weights alone, without biases and slopes
    [({}, 12_464, 12_809), ({"features": 32, "shrunk": 5, "layers": 1}, 3_937, 4_086)],
    ids=["FSRCNN", "FSRCNN-s"],
)
def test_both_networks_of_the_paper_are_recognised_by_their_widths(options, weights, parameters):
    network = FSRCNN(scale=3, **options)

    again = recognition.build(network.state_dict(), scale=3)

    counts = [(parameter.ndim, parameter.numel()) for parameter in again.parameters()]
    assert sum(count for axes, count in counts if axes == 4) == weights
    assert sum(count for _, count in counts) == parameters


def test_named_layout_with_one_activation_for_the_mapping_part_loads(shared):
    path = shared / "weights/fsrcnn/nt_FSRCNN-x2.pt"
    state = torch.load(path, map_location="cpu", weights_only=True)

    network = recognition.build(state, scale=2)

    assert (network.channels, network.layers) == (3, 4)
    torch.testing.assert_close(network.map[4].weight, state["activation_3.weight"])
    torch.testing.assert_close(network.map[2].weight, state["map_3.weight"])
    assert network(torch.rand(1, 3, 9, 9)).shape == (1, 3, 18, 18)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_sequential_layout_of_any_depth_loads(layers, example):
    network = example("fsrcnn", layers=layers)
    middle = [*network.shrink, *network.map, *network.expand]
    state = {f"first_part.{key}": value for key, value in network.extract.state_dict().items()}
    state |= {f"last_part.{key}": value for key, value in network.enlarge.state_dict().items()}
    for index, layer in enumerate(middle):
        state |= {f"mid_part.{index}.{key}": value for key, value in layer.state_dict().items()}
    image = torch.rand(1, 1, 8, 8)

    again = recognition.build(state, scale=2)

    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_input_range_is_an_option(example):
    network = example("fsrcnn", scale=2)
    wide = recognition.build(network.state_dict(), scale=2, input_range=255)
    image = torch.rand(1, 1, 8, 8)

    torch.testing.assert_close(wide(image), network(image * 255) / 255)
