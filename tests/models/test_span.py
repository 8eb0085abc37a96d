"""SPAN against spandrel, where it is installed, and a few lines of PyTorch."""

from __future__ import annotations

import pytest
import torch
from foreign_networks import spandrel_module
from torch.nn.functional import conv2d, pixel_shuffle, silu

from napari_sr import models
from napari_sr.layers.conv3xc import folded
from napari_sr.zoo import recognition


def original(scale, features=16, **options):
    """Return spandrel's SPAN with random weights that keep the features in a plausible range."""
    module = spandrel_module("SPAN.__arch.span")
    torch.manual_seed(0)
    return module.SPAN(
        num_in_ch=3, num_out_ch=3, feature_channels=features, upscale=scale, **options
    ).eval()


def differs_by(ours, theirs, image):
    """Return the largest difference of two networks' results, relative to the results' range."""
    with torch.inference_mode():
        expected = theirs(image)
        return float((ours(image) - expected).abs().max() / (expected.max() - expected.min()))


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_agrees_with_spandrel(scale, normalised):
    theirs = original(scale, norm=normalised)

    network = recognition.build(theirs.state_dict())

    assert (network.scale, network.normalised) == (scale, normalised)
    assert differs_by(network, theirs, torch.rand(1, 3, 19, 23)) < 1e-5


def test_agrees_with_spandrel_at_the_width_of_public_checkpoints():
    theirs = original(4, features=48)

    network = recognition.build(theirs.state_dict())

    assert differs_by(network, theirs, torch.rand(1, 3, 24, 17)) < 1e-5


def test_a_checkpoint_with_folded_convolutions_only_gives_the_same():
    network = original(2)
    network(torch.rand(1, 3, 4, 4))  # folds
    theirs = network.state_dict()
    alone = {
        key: value for key, value in theirs.items() if ".sk." not in key and ".conv." not in key
    }
    plain = folded(theirs)
    image = torch.rand(1, 3, 12, 9)

    results = [recognition.build(state)(image) for state in (theirs, plain, alone)]

    assert torch.equal(results[0], results[1])
    # spandrel folds in float32
    torch.testing.assert_close(results[2], results[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("blocks", [1, 2])
def test_the_result_is_that_of_the_papers_layers(blocks, example):
    network, image = example("span", blocks=blocks), torch.rand(1, 3, 6, 7)
    state = network.state_dict()

    def layer(name, x):
        name = f"group.{name}" if name not in ("head", "tail") else name
        weight = state[f"{name}.weight"]
        return conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)

    shallow = layer("head", (image - torch.tensor([0.4488, 0.4371, 0.4040])[:, None, None]) * 255)
    x, results = shallow, []
    for index in range(blocks):
        inner = silu(layer(f"blocks.{index}.first", x))
        deep = layer(f"blocks.{index}.third", silu(layer(f"blocks.{index}.second", inner)))
        x = (deep + x) * (deep.sigmoid() - 0.5)
        results.append(x)
    fused = layer("fuse", torch.cat((shallow, layer("merge", x), results[0], inner), dim=1))

    expected = pixel_shuffle(layer("tail", fused), 2)
    torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-4)


def test_it_looks_21_pixels_around():
    with torch.device("meta"):
        network = models.architecture("span").network(scale=4)

    # 1 head, 6 blocks of 3, 1 after them, 1 at the end
    assert network.receptive_field == 21


def test_its_result_is_not_in_the_range_of_its_input(example):
    state = {key: torch.zeros_like(value) for key, value in example("span").state_dict().items()}
    state["tail.bias"] = torch.full_like(state["tail.bias"], 0.7)

    result = recognition.build(state)(torch.rand(1, 3, 5, 5))

    torch.testing.assert_close(result, torch.full_like(result, 0.7))


@pytest.mark.parametrize(("normalised", "white"), [(True, 255), (False, 1)])
def test_white_is_255_for_a_normalised_image_and_otherwise_1(normalised, white, example):
    assert example("span", normalised=normalised).input_range == white
    assert example("span", normalised=normalised, input_range=2.0).input_range == 2


@pytest.mark.parametrize("missing", ["block_2.c2_r.sk.weight", "conv_cat.bias", "upsampler.0.bias"])
def test_a_checkpoint_with_a_missing_tensor_is_not_span(missing):
    state = dict(original(2).state_dict())
    del state[missing]

    with pytest.raises(recognition.UnknownNetworkError, match="the nearest is SPAN"):
        recognition.build(state)
