"""RRDBNet against both repositories' code, and the three layouts of its keys."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.models.rrdbnet import RRDBNet
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("synth_RRDBNet"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def test_esrgan_looks_349_pixels_around():
    with torch.device("meta"):
        network = RRDBNet(scale=4)

    # 1 head, 23 blocks of 15, 1 after them; four 3x3 on enlarged grids reach 2 more
    assert network.receptive_field == 349


def sequence_keys(network):
    """Return a network's tensors by the oldest keys: all layers numbered in one sequence."""
    # a doubling is three layers: nearest neighbour, convolution, activation
    first = 3 * len(network.enlarge)
    parts = {"0": network.head, f"{first + 2}": network.smooth, f"{first + 4}": network.tail}
    parts[f"1.sub.{len(network.blocks)}"] = network.merge
    parts |= {f"{3 * index + 3}": layer for index, layer in enumerate(network.enlarge)}
    for number, block in enumerate(network.blocks):
        for dense, inner in enumerate(block.dense):
            for index, layer in enumerate([*inner.grow, inner.last]):
                parts[f"1.sub.{number}.RDB{dense + 1}.conv{index + 1}.0"] = layer
    return {
        f"model.{name}.{key}": value
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }


@pytest.mark.parametrize(
    ("scale", "unshuffle"), [(1, 1), (2, 1), (4, 1), (8, 1), (1, 4), (2, 2), (1, 2)]
)
def test_oldest_layout_loads_at_every_scale(scale, unshuffle, example):
    network = example("rrdbnet", scale=scale, unshuffle=unshuffle, blocks=2)
    image = torch.rand(1, 3, 8, 12)

    again = recognition.build(sequence_keys(network))

    assert (again.scale, again.multiple) == (scale, unshuffle)
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_oldest_layout_numbers_its_layers_as_esrgan_does(example):
    keys = sequence_keys(example("rrdbnet", scale=4, unshuffle=1, blocks=23))

    # as the public checkpoints have them
    assert {"model.0.weight", "model.1.sub.23.bias", "model.3.weight", "model.6.bias"} < keys.keys()
    assert {"model.8.weight", "model.10.bias", "model.1.sub.0.RDB1.conv1.0.weight"} < keys.keys()


def test_size_off_the_multiple_is_named(example):
    with pytest.raises(ValueError, match="multiples of 2, got 20 x 21"):
        example("rrdbnet", unshuffle=2)(torch.zeros(1, 3, 20, 21))


def test_first_convolutions_channels_tell_how_pixels_are_folded(case_of):
    _, _, options = recognition.recognise(case_of("synth_RRDBNet_BasicSR_x2").state)

    assert options == {
        "scale": 2,
        "channels": 3,
        "features": 16,
        "blocks": 2,
        "growth": 8,
        "unshuffle": 2,
    }


@pytest.mark.parametrize("scale", [3, 6])
def test_scale_that_is_no_power_of_2_is_named(scale, example):
    with pytest.raises(ValueError, match=f"power of 2.*got scale={scale}"):
        example("rrdbnet", scale=scale, unshuffle=1)
