"""DRRN: with and without normalisation, a port against its code, and its counts."""

from __future__ import annotations

import pytest
import torch
from reference import cases
from torch.nn import functional

from napari_sr.layers.resize import imresize
from napari_sr.models.drrn import DRRN
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("DRRN", "synth_DRRN"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)
    case.images.pop("set5_butterfly_bicubic_up", None)  # larger, and as exact

    # the cases' images are enlarged already
    network = recognition.build(case.state, scale=1, units=case.record["hyper"]["U"])

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def as_the_paper_says(network, image):
    enlarged = x = imresize(image, network.scale)
    for block in network.blocks:
        base = x = block.base(functional.relu(block.base_norm(x)))
        for first_norm, second_norm in zip(block.first_norms, block.second_norms, strict=True):
            half = block.first(functional.relu(first_norm(x)))
            x = base + block.second(functional.relu(second_norm(half)))
    return enlarged + network.tail(functional.relu(network.tail_norm(x)))


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize(("blocks", "units"), [(1, 3), (3, 1)])
@pytest.mark.parametrize("scale", [2, 3])
def test_is_what_the_paper_says(norm, blocks, units, scale, example):
    network = example("drrn", scale=scale, blocks=blocks, units=units, norm=norm)
    for buffer in network.buffers():
        if buffer.is_floating_point():
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    image = torch.rand(2, 1, 6, 5)

    with torch.inference_mode():
        torch.testing.assert_close(network(image), as_the_paper_says(network, image))


@pytest.mark.parametrize("options", [{"norm": False}, {"bias": False}])
def test_forms_are_read_off_the_tensors(options, example):
    network = example("drrn", units=25, **options)

    again = recognition.build(network.state_dict(), scale=2)

    image = torch.rand(1, 1, 5, 5)
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_units_do_not_show_without_normalisation(example):
    state = example("drrn", norm=False).state_dict()

    assert len(recognition.build(state, scale=2, units=3).blocks[0].first_norms) == 3
    with pytest.raises(ValueError, match="is a DRRN with units=2, got units=3"):
        recognition.build(example("drrn").state_dict(), scale=2, units=3)


def test_units_share_their_convolutions(example):
    few, many = example("drrn", norm=False), example("drrn", norm=False, units=9)

    assert few.state_dict().keys() == many.state_dict().keys()


def test_deep_network_is_cut_often():
    with torch.device("meta"):
        chain = DRRN(scale=4).chain()

    # 52 convolutions on a grid 4 times as fine
    assert len(chain) >= 52 // 4


def test_input_range_is_an_option(example):
    network, image = example("drrn", norm=False, bias=False), torch.rand(1, 1, 6, 5)

    wide = example("drrn", norm=False, bias=False, input_range=255)

    # without biases the network is homogeneous
    torch.testing.assert_close(wide(image), network(image))
