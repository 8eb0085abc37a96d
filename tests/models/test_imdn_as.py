"""IMDN_AS against its definition, with its authors' keys."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from pieces import run_in_pieces
from torch.nn import functional

from napari_sr.layers.blocks import rename
from napari_sr.layers.resize import imresize
from napari_sr.models.imdn_as import IMDNAS
from napari_sr.zoo import recognition


def authors_keys(state):
    """Undo `adapt`, in another way."""
    return rename(
        state,
        [
            (r"^head\.first", "fea_conv.0"),
            (r"^head\.second", "fea_conv.2"),
            (r"^blocks\.(\d+)\.", lambda match: f"IMDB{int(match[1]) + 1}."),
            (r"\.front\.refine\.(\d)", lambda match: f".c{int(match[1]) + 1}"),
            (r"\.front\.last", ".c4"),
            (r"\.fuse", ".c5"),
            (r"\.channel\.squeeze", ".cca.conv_du.0"),
            (r"\.channel\.excite", ".cca.conv_du.2"),
            (r"^fuse", "c.0"),
            (r"^merge", "LR_conv"),
            (r"^tail", "upsampler.0"),
        ],
    )


def definition(state, large, blocks):
    """Compute the network for an image that is already enlarged."""

    def convolve(x, key, stride=1):
        weight, bias = state[f"{key}.weight"], state[f"{key}.bias"]
        return functional.conv2d(x, weight, bias, stride, padding=weight.shape[-1] // 2)

    def activate(x):
        return functional.leaky_relu(x, 0.05)

    x = shallow = convolve(activate(convolve(large, "fea_conv.0", 2)), "fea_conv.2", 2)
    outputs = []
    for block in (f"IMDB{index + 1}" for index in range(blocks)):
        parts, rest = [], x
        for step in "123":
            wide = activate(convolve(rest, f"{block}.c{step}"))
            quarter = wide.shape[1] // 4
            parts.append(wide[:, :quarter])
            rest = wide[:, quarter:]
        y = torch.cat([*parts, convolve(rest, f"{block}.c4")], 1)
        contrast = y.mean((2, 3), True) + y.var((2, 3), correction=0, keepdim=True).sqrt()
        inner = convolve(contrast, f"{block}.cca.conv_du.0").relu()
        y = y * convolve(inner, f"{block}.cca.conv_du.2").sigmoid()
        x = convolve(y, f"{block}.c5") + x
        outputs.append(x)
    deep = convolve(activate(convolve(torch.cat(outputs, 1), "c.0")), "LR_conv") + shallow
    return functional.pixel_shuffle(convolve(deep, "upsampler.0"), 4)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 5])
def test_it_is_its_definition_whole_and_in_pieces_at_any_scale(scale, example):
    state = authors_keys(example("imdn_as").double().state_dict())
    image = torch.rand(1, 3, 24, 28, dtype=torch.float64)

    network = recognition.build(state, scale=scale).double()

    with torch.no_grad():
        expected = definition(state, imresize(image, scale), blocks=2)
        result = network(image)
        pieces = run_in_pieces(network.chain(), image, 8, network.tile_alignment)
    assert result.shape == (1, 3, 24 * scale, 28 * scale)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(pieces, expected, rtol=0, atol=1e-12)


def test_parameters_are_imdn_s_and_those_of_one_more_convolution():
    with torch.device("meta"):
        network = IMDNAS(scale=2)

    # the authors' IMDN x4, and a 3x3 of 64 features
    parameters = 715_176 + 64 * 64 * 9 + 64
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_scale_is_asked_for_as_tensors_do_not_show_it(example):
    state = authors_keys(example("imdn_as").state_dict())

    with pytest.raises(ValueError, match=r"IMDN_AS, whose tensors do not show the scale"):
        recognition.build(state)


@pytest.mark.parametrize(("scale", "multiple"), [(1, 4), (2, 2), (3, 4), (4, 1), (6, 2), (8, 1)])
def test_the_enlarged_image_is_a_multiple_of_four(scale, multiple):
    with torch.device("meta"):
        network = IMDNAS(scale=scale)

    assert network.multiple == multiple
    assert Fraction(multiple * scale, 4).denominator == 1


def test_another_enlargement_at_the_end_is_another_network(example):
    state = dict(example("imdn_as").state_dict())
    state["tail.weight"], state["tail.bias"] = torch.zeros(12, 8, 3, 3), torch.zeros(12)

    with pytest.raises(ValueError, match="matches none of"):
        recognition.build(state, scale=2)
