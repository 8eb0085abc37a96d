"""SRResNet against BasicSR's code, and its bilinear skip."""

from __future__ import annotations

import pytest
import torch
from reference import cases
from torch.nn import functional

from napari_sr.layers.blocks import rename
from napari_sr.models.srresnet import bilinear_shares, enlarge_bilinear
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("synth_MSRResNet"))
def test_agrees_with_basicsrs_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 5)], ids=str)
def test_bilinear_skip_is_interpolate(scale, size):
    image = torch.rand(2, 3, *size, dtype=torch.float64)
    expected = functional.interpolate(image, scale_factor=float(scale), mode="bilinear")

    enlarged = enlarge_bilinear(image, bilinear_shares(scale), scale)

    # its weights are float32
    torch.testing.assert_close(enlarged, expected, rtol=0, atol=1e-7)


def test_bilinear_skip_is_the_same_wherever_a_piece_lies():
    image = torch.rand(1, 1, 4, 3001)

    whole = enlarge_bilinear(image, bilinear_shares(3), 3)

    piece = enlarge_bilinear(image[..., -12:], bilinear_shares(3), 3)
    torch.testing.assert_close(piece[..., 3:], whole[..., -33:], rtol=0, atol=1e-7)


def test_x3_goes_in_one_stage_in_basicsrs_layout(example):
    network = example("srresnet", scale=3)
    parts = {"conv_first": network.head, "upconv1": network.enlarge[0]}
    parts |= {"conv_hr": network.smooth, "conv_last": network.tail}
    for index, block in enumerate(network.blocks):
        parts |= {f"body.{index}.conv1": block.branch[0], f"body.{index}.conv2": block.branch[1]}
    state = {
        f"{name}.{key}": value
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    image = torch.rand(1, 3, 6, 7)

    again = recognition.build(state)

    assert again.scale == 3
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_forerunners_names_of_layers_load_too(case_of):
    case = case_of("synth_MSRResNet_BasicSR_x4")
    older = rename(case.state, [(r"^body\.", "recon_trunk."), (r"^conv_hr\.", "HRconv.")])

    assert max(case.errors(recognition.build(older)).values()) <= 1e-4


def test_slope_is_an_option(example):
    state = example("srresnet").state_dict()
    image = torch.rand(1, 3, 8, 8)

    difference = recognition.build(state, slope=0.5)(image) - recognition.build(state)(image)

    assert difference.abs().max() > 1e-4
