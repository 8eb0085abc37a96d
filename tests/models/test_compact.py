"""Compact against spandrel, where it is installed, and a few lines of PyTorch."""

from __future__ import annotations

import pytest
import torch
from foreign_networks import spandrel_module
from torch.nn.functional import conv2d, interpolate, leaky_relu, pixel_shuffle

import napari_sr
from napari_sr import models
from napari_sr.runs.model_file import inspect_checkpoint
from napari_sr.zoo import recognition

SIZES = [(64, 32), (64, 16), (64, 8), (24, 8), (5, 0)]
"""Widths and depths: general, anime, ultra and super-ultra compact, and the least network."""


def original(channels, features, convolutions, scale, activation="prelu"):
    """Return Real-ESRGAN's network in spandrel's version, with random weights."""
    module = spandrel_module("Compact.__arch.SRVGG")
    torch.manual_seed(0)
    network = module.SRVGGNetCompact(
        num_in_ch=channels,
        num_out_ch=channels,
        num_feat=features,
        num_conv=convolutions,
        upscale=scale,
        act_type=activation,
    )
    for key, value in network.named_parameters():
        if value.ndim == 1 and key.endswith("weight"):
            torch.nn.init.uniform_(value, -0.2, 0.5)  # as if PReLUs were trained
    return network.eval()


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("features", "convolutions"), SIZES)
def test_agrees_with_spandrel(features, convolutions, scale):
    theirs = original(3, features, convolutions, scale)
    image = torch.rand(1, 3, 13, 10)

    network = recognition.build(theirs.state_dict())

    assert network.scale == scale
    with torch.inference_mode():
        torch.testing.assert_close(network(image), theirs(image), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("activation", "slope"), [("relu", None), ("leakyrelu", 0.1)])
def test_networks_without_prelus_take_the_slope_as_an_option(activation, slope):
    theirs = original(1, 8, 3, 2, activation)
    image = torch.rand(1, 1, 9, 11)

    network = recognition.build(theirs.state_dict(), slope=slope)

    with torch.inference_mode():
        torch.testing.assert_close(network(image), theirs(image), rtol=0, atol=1e-5)


def test_an_assumed_slope_is_told(tmp_path):
    torch.save(original(3, 8, 2, 2, "leakyrelu").state_dict(), tmp_path / "a.pth")

    def told(**options):
        network = napari_sr.load(tmp_path / "a.pth", **options)
        return network.provenance.get(recognition.CHOICE, [])

    assert "ReLU is assumed: give slope=0.1" in " ".join(told())
    assert told(slope=0.1) == []
    assert told(slope=0.0) == []


def test_other_channels_than_grey_and_rgb_are_refused_when_the_file_is_opened(tmp_path):
    path = tmp_path / "a.pth"
    torch.save(original(5, 8, 2, 2).state_dict(), path)

    for opened in (napari_sr.load, inspect_checkpoint):
        with pytest.raises(ValueError, match=r"Compact .* with 5 channels: only networks of 1"):
            opened(path)


def test_the_result_is_the_repeated_image_and_a_residual(example):
    network, image = example("compact", parametric=False, slope=0.3), torch.rand(1, 3, 6, 7)
    state = network.state_dict()

    x = image
    for layer in (0, 2, 4):
        x = conv2d(x, state[f"body.{layer}.weight"], state[f"body.{layer}.bias"], padding=1)
        x = leaky_relu(x, 0.3)
    x = conv2d(x, state["body.6.weight"], state["body.6.bias"], padding=1)

    expected = pixel_shuffle(x, 2) + interpolate(image, scale_factor=2)
    torch.testing.assert_close(network(image), expected)


def test_the_general_network_looks_34_pixels_around():
    with torch.device("meta"):
        network = models.architecture("compact").network(scale=4, convolutions=32)

    assert network.receptive_field == 34


def test_white_of_255_is_given_back_as_1(example):
    network, image = example("compact"), torch.rand(1, 3, 6, 6)
    wide = example("compact", input_range=255.0)
    wide.load_state_dict(network.state_dict())
    for bias in (value for key, value in wide.named_parameters() if key.endswith("bias")):
        torch.nn.init.zeros_(bias)
    network.load_state_dict(wide.state_dict())

    # without biases, the network is homogeneous
    torch.testing.assert_close(wide(image), network(image), rtol=0, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_body_that_does_not_end_in_a_shuffle_is_not_compact(layers, example):
    state = {
        key: value
        for key, value in example("compact").state_dict().items()
        if int(key.split(".")[1]) < layers
    }

    with pytest.raises(recognition.UnknownNetworkError, match=f"{len(state)} tensors"):
        recognition.build(state)
