"""EDSR: both layouts against their reference code, and the mean shift."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.layers.edsr_trunk import MEAN
from napari_sr.models.edsr import ARCHITECTURE, EDSR
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("synth_EDSR"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state, res_scale=case.record["hyper"]["res_scale"])

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def official(network, white):
    """Return a network's tensors by the authors' keys."""
    state = {
        "sub_mean.weight": torch.eye(3).reshape(3, 3, 1, 1),
        "sub_mean.bias": -white * network.mean.flatten(),
        "add_mean.weight": torch.eye(3).reshape(3, 3, 1, 1),
        "add_mean.bias": white * network.mean.flatten(),
    }
    last = len(network.blocks)
    parts = {"head.0": network.head, f"body.{last}": network.merge, "tail.1": network.tail}
    parts |= {f"body.{index}.body": block.branch for index, block in enumerate(network.blocks)}
    parts |= {"tail.0": network.enlarge}
    for prefix, part in parts.items():
        state |= {f"{prefix}.{key}": value for key, value in part.state_dict().items()}
    return state


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("white", [1, 255, 65535])
def test_input_range_is_read_off_the_authors_shift(white, scale, example):
    network = example("edsr", scale=scale, input_range=white)
    image = torch.rand(1, 3, 8, 9)

    again = recognition.build(official(network, white))

    assert again.input_range == white
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=1e-5)


def test_another_mean_than_photographs_have_is_kept(example):
    network = example("edsr")
    network.mean[:] = torch.tensor([0.1, 0.6, 0.3]).reshape(1, 3, 1, 1)

    again = recognition.build(official(network, 255))

    assert again.input_range == 255
    torch.testing.assert_close(again.mean, network.mean)


@pytest.mark.parametrize("key", ["sub_mean.weight", "add_mean.weight", "add_mean.bias"])
def test_a_colour_shift_with_other_weights_is_refused(key, example):
    state = official(example("edsr"), 255)
    state[key] = 2 * state[key]

    with pytest.raises(ValueError, match="matches none of"):
        recognition.build(state)


def test_authors_layout_without_a_shift_subtracts_nothing(example):
    network = example("edsr", channels=1)
    state = official(network, 255)
    for key in [key for key in state if "_mean" in key]:
        del state[key]
    image = torch.rand(1, 1, 8, 9)

    again = recognition.build(state)

    assert again.input_range == 255
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_basicsr_layout_takes_its_input_range_as_an_option(case_of):
    state = case_of("synth_EDSR_BasicSR_x2").state

    assert recognition.build(state).input_range == 255
    assert recognition.build(state, input_range=1).input_range == 1


def test_mean_is_not_trained(example):
    network = example("edsr")

    assert network.mean.flatten().tolist() == pytest.approx(MEAN)
    assert "mean" not in dict(network.named_parameters())


def test_grey_network_subtracts_nothing_and_loads(example):
    network = example("edsr", channels=1)

    again = recognition.build(network.state_dict())

    assert again.channels == 1
    assert again.mean.tolist() == [[[[0]]]]


@pytest.mark.parametrize(("features", "expected"), [(64, 1.0), (256, 0.1)])
def test_residuals_are_small_where_the_network_is_wide(features, expected):
    with torch.device("meta"):
        network = EDSR(scale=2, features=features, blocks=1)

    assert network.blocks[0].factor == expected


def test_scale_without_stages_is_named(example):
    with pytest.raises(ValueError, match="power of 2, got scale=5"):
        example("edsr", scale=5)


def test_the_noise_is_one_more_plane_that_the_head_reads(example):
    network = example("edsr", takes_noise=True)
    image, noise = torch.rand(1, 3, 8, 9), torch.full((1, 1, 8, 9), 0.1)
    with torch.no_grad():
        found = network(torch.cat((image, noise), dim=1))
        network.head.weight[:, 3] = 0
        without = network(torch.cat((image, noise), dim=1))
        plain = example("edsr")
        state = network.state_dict()
        plain.load_state_dict({**state, "head.weight": state["head.weight"][:, :3]})

    torch.testing.assert_close(without, plain(image), rtol=0, atol=1e-6)
    assert (found - without).abs().max() > 1e-4


def test_a_checkpoint_shows_that_its_network_takes_noise(example):
    network = example("edsr", channels=1, takes_noise=True)

    again = recognition.build(network.state_dict())

    assert (again.takes_noise, again.channels, again.inputs) == (True, 1, 2)


def test_an_image_without_the_plane_of_noise_is_refused(example):
    with pytest.raises(ValueError, match=r"\(N, 4, H, W\), the last plane with the level of the"):
        example("edsr", takes_noise=True)(torch.rand(1, 3, 8, 9))


def test_a_colour_networks_tensors_give_a_grey_network_the_mean_of_its_colours(example):
    colour = example("edsr")
    grey = example("edsr", channels=1, takes_noise=True)
    grey.load_state_dict(ARCHITECTURE.in_grey(colour.state_dict(), 2))
    image, noise = torch.rand(1, 1, 40, 40), torch.full((1, 1, 40, 40), 0.3)

    with torch.no_grad():
        expected = colour(image.expand(-1, 3, -1, -1)).mean(dim=1, keepdim=True)
        found = grey(torch.cat((image, noise), dim=1))

    inside = (..., slice(24, -24), slice(24, -24))  # beyond it, the border's zeros differ
    torch.testing.assert_close(found[inside], expected[inside], rtol=0, atol=1e-5)
