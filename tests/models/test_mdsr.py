"""MDSR against its authors' code, and checkpoints of several scales."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.models.mdsr import MDSR
from napari_sr.zoo import recognition


def size_of(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", cases("synth_MDSR"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state, scale=case.scale)

    assert max(case.errors(network).values()) <= 1e-4
    with torch.device("meta"):
        joint = MDSR(scale=2, scales=(2, 3, 4), features=16, blocks=3)
    assert size_of(joint) == case.parameters


@pytest.fixture
def joint(example):
    return example("mdsr", scales=(2, 3, 4))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_only_layers_of_its_scale_are_built(scale, joint):
    network = recognition.build(joint.state_dict(), scale=scale)

    kept = joint.state_dict().keys() & network.state_dict().keys()
    assert network.state_dict().keys() == kept
    assert len(list(network.before)) == len(list(network.enlarge)) == 1
    image = torch.rand(1, 3, 6, 7)
    joint.scale = scale
    torch.testing.assert_close(network(image), joint(image), rtol=0, atol=0)


@pytest.mark.parametrize("scale", [None, 8])
def test_scales_of_a_checkpoint_are_named_where_none_is_chosen(scale, joint):
    with pytest.raises(
        ValueError, match=rf"MDSR, which has the scales \(2, 3, 4\): .* got {scale}"
    ):
        recognition.build(joint.state_dict(), scale=scale)


def test_scales_without_the_usual_ones_are_found(example):
    state = example("mdsr", scale=3, scales=(8, 3)).state_dict()

    assert recognition.build(state, scale=8).scale == 8


def test_tensor_of_another_scale_must_be_right_too(joint):
    state = joint.state_dict()
    del state["enlarge.x4.2.bias"]

    with pytest.raises(ValueError, match="matches none of"):
        recognition.build(state, scale=2)


def test_scale_that_it_does_not_hold_is_named(example):
    with pytest.raises(ValueError, match=r"scales=\(2, 4\) as scale, got scale=3"):
        example("mdsr", scale=3, scales=(2, 4))


@pytest.mark.parametrize("white", [1, 255])
def test_input_range_and_mean_are_read_off_the_authors_shift(white, case_of):
    case = case_of("synth_MDSR_official_x2")
    state = dict(case.state)
    for key in ("sub_mean.bias", "add_mean.bias"):
        state[key] = state[key] / 255 * white

    network = recognition.build(state, scale=2)

    assert network.input_range == white
    torch.testing.assert_close(network.mean, MDSR(scale=2, blocks=1).mean)
