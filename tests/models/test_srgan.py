"""SRGAN's generator against two authors' code, and its forms."""

from __future__ import annotations

import pytest
import torch
from pieces import run_in_pieces
from reference import cases

from napari_sr import upscale
from napari_sr.zoo import recognition


def size_of(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", cases("SRGAN", "synth_SRResNet"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert size_of(network) == case.parameters


TWTYGQYY = {"norm": "instance", "parametric": False, "bias": False, "end": "plain"}


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_leftthomas_layout_of_any_scale_loads(scale, example):
    network = example("srgan", scale=scale, end="tanh")
    state = {}
    for key, value in network.state_dict().items():
        name, *rest = key.split(".")
        if name == "blocks":
            index, place, part, kind = rest
            number = {"first": 1, "second": 2}[place]
            part = {"convolution": f"conv{number}", "norm": f"bn{number}", "activation": "prelu"}[
                part
            ]
            state[f"block{int(index) + 2}.{part}.{kind}"] = value
        elif name == "enlarge":
            stage, layer, kind = rest
            state[f"block5.{stage}.{'conv' if layer == '0' else 'prelu'}.{kind}"] = value
        else:
            prefix = {"head": "block1", "merge": "block4", "tail": f"block5.{len(network.enlarge)}"}
            layer = (
                [str(["convolution", "norm"].index(rest[0])), *rest[1:]]
                if name == "merge"
                else rest
            )
            state[".".join([prefix[name], *layer])] = value
    image = torch.rand(1, 3, 6, 7)

    again = recognition.build(state)

    assert (again.scale, again.end) == (scale, "tanh")
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_end_is_an_option_where_no_layout_tells_it(example):
    state, image = example("srgan").state_dict(), torch.rand(1, 3, 6, 7)

    plain, signed, squashed = (
        recognition.build(state, end=end)(image) for end in ("plain", "signed", "tanh")
    )

    torch.testing.assert_close(signed, (plain + 1) / 2)
    torch.testing.assert_close(squashed, (plain.tanh() + 1) / 2)
    torch.testing.assert_close(recognition.build(state)(image), signed)


def test_unknown_end_is_named(example):
    with pytest.raises(ValueError, match="one of plain, signed, tanh, got end='sigmoid'"):
        example("srgan", end="sigmoid")


def test_running_moments_are_learnt_in_training_and_kept_in_inference(example):
    network = example("srgan").train()
    before = network.merge.norm.running_mean.clone()

    network(torch.rand(2, 3, 8, 8))

    assert not torch.equal(network.merge.norm.running_mean, before)


@pytest.fixture
def by_instances(example):
    return example("srgan", **TWTYGQYY)


def test_pieces_with_instance_normalisation_give_the_whole(by_instances):
    image = torch.rand(1, 3, 30, 37, dtype=torch.float64)
    network = by_instances.double()

    with torch.inference_mode():
        pieces = run_in_pieces(network.chain(), image, 11)
        whole = network(image)

    assert network.receptive_field is None
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-10)


def test_tiles_with_instance_normalisation_leave_no_seams(by_instances, random):
    image = random.random((50, 61, 3), dtype="float32")

    whole, tiled = (upscale(image, by_instances, device="cpu", tile=tile) for tile in (64, 24))

    assert abs(tiled - whole).max() <= 1e-5


def test_gradient_reaches_every_parameter_with_instance_normalisation(by_instances):
    by_instances(torch.rand(1, 3, 12, 12)).square().mean().backward()

    assert all(parameter.grad.abs().sum() > 0 for parameter in by_instances.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_with_instance_normalisation_stays_close(dtype, by_instances):
    image = torch.rand(1, 3, 20, 20)

    with torch.inference_mode():
        expected = by_instances(image)
        result = by_instances.to(dtype)(image.to(dtype))

    assert result.dtype == dtype
    spread = float(expected.max() - expected.min())
    assert (result.float() - expected).abs().max() <= 10 * torch.finfo(dtype).eps * spread
