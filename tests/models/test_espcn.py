"""ESPCN against reference code, its activations, and its layouts of keys."""

from __future__ import annotations

import pytest
import torch
from reference import cases
from torch.nn.functional import conv2d, pixel_shuffle

from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("ESPCN", "synth_ESPCN"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert network.scale == case.scale
    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


@pytest.mark.parametrize("squashed", [False, True])
@pytest.mark.parametrize("rectified", [False, True])
def test_both_activations_are_options(rectified, squashed, example):
    state, image = example("espcn").state_dict(), torch.rand(1, 1, 6, 7)
    between = torch.relu if rectified else torch.tanh

    network = recognition.build(state, rectified=rectified, squashed=squashed)

    x = between(conv2d(image, state["extract.weight"], state["extract.bias"], padding=2))
    x = between(conv2d(x, state["map.weight"], state["map.bias"], padding=1))
    x = conv2d(x, state["enlarge.weight"], state["enlarge.bias"], padding=1)
    expected = pixel_shuffle(x, 2)
    expected = torch.tanh(expected) if squashed else expected
    torch.testing.assert_close(network(image), expected)


@pytest.mark.parametrize(
    "theirs",
    [
        ("first_part.0", "first_part.2", "last_part.0"),
        ("conv_1", "conv_2", "conv_3"),
        ("feature_maps.0", "feature_maps.2", "sub_pixel.0"),
    ],
    ids=["yjn870", "Nhat-Thanh", "Lornatang"],
)
def test_public_layouts_load(theirs, example):
    network, image = example("espcn", scale=3), torch.rand(1, 1, 7, 8)
    state = {
        f"{name}.{key}": value
        for name, ours in zip(theirs, ("extract", "map", "enlarge"), strict=True)
        for key, value in getattr(network, ours).state_dict().items()
    }

    again = recognition.build(state)

    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


@pytest.mark.parametrize("scale", [2, 4])
def test_checkpoints_of_colour_load(scale, shared):
    path = shared / f"weights/espcn/nt_ESPCN-x{scale}.pt"
    state = torch.load(path, map_location="cpu", weights_only=True)

    network = recognition.build(state)

    assert (network.channels, network.scale) == (3, scale)
