"""Both variants of RFDN, against the authors' code, published counts and the definition."""

from __future__ import annotations

import pytest
import torch
from reference import cases
from torch.nn import functional

from napari_sr.layers.blocks import rename
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("RFDN"))
def test_agrees_with_the_authors_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def authors_keys(state):
    """Undo `adapt`, in another way."""
    parts = ["blocks", "front", "distil", "refine", "last", "fuse"]
    assert all(any(part in key for key in state) for part in parts)
    return rename(
        state,
        [
            (r"^blocks\.(\d+)\.", lambda match: f"B{int(match[1]) + 1}."),
            (r"\.front\.distil\.(\d)", lambda match: f".c{int(match[1]) + 1}_d"),
            (r"\.front\.refine\.(\d)", lambda match: f".c{int(match[1]) + 1}_r"),
            (r"\.front\.last", ".c4"),
            (r"\.front\.fuse", ".c5"),
            (r"\.channel\.squeeze", ".cca.conv_du.0"),
            (r"\.channel\.excite", ".cca.conv_du.2"),
            (r"^head", "fea_conv"),
            (r"^fuse", "c.0"),
            (r"^merge", "LR_conv"),
            (r"^tail", "upsampler.0"),
        ],
    )


def rewritten_keys(state):
    """Return the keys of the Fried Rice Lab."""
    return rename(
        authors_keys(state),
        [
            (r"^B(\d+)\.", lambda match: f"body.{int(match[1]) - 1}."),
            (r"conv_du", "conv"),
            (r"^fea_conv", "head"),
            (r"^c\.0", "body_tail.0"),
            (r"^LR_conv", "lr_conv"),
            (r"^upsampler\.0", "tail.0"),
        ],
    )


def papers_form(state, image, blocks, scale):
    """Compute the paper's network from its definition and the authors' keys."""

    def convolve(x, key):
        weight = state[f"{key}.weight"]
        return functional.conv2d(x, weight, state[f"{key}.bias"], padding=weight.shape[-1] // 2)

    def activate(x):
        return functional.leaky_relu(x, 0.05)

    x = shallow = convolve(255 * image, "fea_conv")
    outputs = []
    for block in (f"B{index + 1}" for index in range(blocks)):
        parts, refined = [], x
        for step in "123":
            parts.append(activate(convolve(refined, f"{block}.c{step}_d")))
            refined = activate(convolve(refined, f"{block}.c{step}_r") + refined)
        parts.append(activate(convolve(refined, f"{block}.c4")))
        mixed = convolve(torch.cat(parts, 1), f"{block}.c5")
        contrast = mixed.mean((2, 3), True) + mixed.var((2, 3), correction=0, keepdim=True).sqrt()
        inner = convolve(contrast, f"{block}.cca.conv_du.0").relu()
        x = mixed * convolve(inner, f"{block}.cca.conv_du.2").sigmoid() + x
        outputs.append(x)
    deep = convolve(activate(convolve(torch.cat(outputs, 1), "c.0")), "LR_conv") + shallow
    return functional.pixel_shuffle(convolve(deep, "upsampler.0"), scale) / 255


@pytest.mark.parametrize("layout", [authors_keys, rewritten_keys])
def test_papers_form_is_its_definition_in_both_layouts(layout, example):
    network = example("rfdn", features=12, blocks=3, reduction=4, scale=3).double()
    state = network.state_dict()
    image = torch.rand(1, 3, 9, 11, dtype=torch.float64)
    expected = papers_form(authors_keys(state), image, blocks=3, scale=3)

    again = recognition.build(layout(state)).double()

    with torch.no_grad():
        result = again(image)
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(network(image), expected, rtol=0, atol=1e-12)


def test_tensors_tell_the_two_forms_apart(example):
    released = recognition.recognise(example("rfdn").state_dict())[2]
    paper = recognition.recognise(example("rfdn", reduction=2).state_dict())[2]

    assert (released["reduction"], paper["reduction"]) == (None, 2)


@pytest.mark.parametrize(("reduction", "usual"), [(None, False), (4, True)])
def test_block_skip_is_an_option_with_the_usual_default(reduction, usual, example):
    state = example("rfdn", reduction=reduction).state_dict()
    image = torch.rand(1, 3, 16, 16)

    default, same, other = (
        recognition.build(state, block_skip=skip)(image) for skip in (None, usual, not usual)
    )

    torch.testing.assert_close(default, same, rtol=0, atol=0)
    assert (other - default).abs().max() > 1e-6


def test_only_the_released_form_has_a_least_size(example):
    assert example("rfdn").least_size == 15
    assert example("rfdn", reduction=4)(torch.rand(1, 3, 1, 1)).shape == (1, 3, 2, 2)
