"""SPANPlus against a few lines of PyTorch, under its author's keys."""

from __future__ import annotations

import pytest
import torch
from foreign_networks import spandrel_module
from torch.nn.functional import conv2d, mish, pixel_shuffle

import napari_sr
from napari_sr import models
from napari_sr.zoo import recognition


def authors_state(scale=2, features=6, groups=(1,), plain=False):
    """Return random tensors with the keys and shapes of the author's code."""
    torch.manual_seed(0)
    state = {}

    def convolution(name, outputs, inputs, side):
        state[f"{name}.weight"] = torch.randn(outputs, inputs, side, side) / side
        state[f"{name}.bias"] = torch.randn(outputs) / 4

    def folding(name, outputs, inputs):
        convolution(f"{name}.sk", outputs, inputs, 1)
        convolution(f"{name}.conv.0", 2 * inputs, inputs, 1)
        convolution(f"{name}.conv.1", 2 * outputs, 2 * inputs, 3)
        convolution(f"{name}.conv.2", outputs, 2 * outputs, 1)
        convolution(f"{name}.eval_conv", outputs, inputs, 3)

    folding("feats.0", features, 3)
    for group, blocks in enumerate(groups, start=1):
        inner = [f"block_n.{index}" for index in range(blocks)]
        for block in ("block_1", *inner, "block_end"):
            for layer in ("c1_r", "c2_r", "c3_r"):
                folding(f"feats.{group}.{block}.{layer}", features, features)
        folding(f"feats.{group}.conv_2", features, features)
        convolution(f"feats.{group}.conv_cat", features, 4 * features, 1)
    convolution("upsampler" if plain else "upsampler.0", 3 * scale**2, features, 3)
    return {key: 0.2 * value for key, value in state.items()}


def expected(state, image, scale, groups, upsampler="upsampler.0"):
    state = {key: value.double() for key, value in state.items()}

    def layer(name, x, padding=0):
        return conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    def folding(name, x):
        wide = torch.nn.functional.pad(x, (1, 1, 1, 1))
        for index in range(3):
            wide = layer(f"{name}.conv.{index}", wide)
        return wide + layer(f"{name}.sk", x)

    x = folding("feats.0", image.double())
    for group, blocks in enumerate(groups, start=1):
        start, results = x, []
        inner = [f"block_n.{index}" for index in range(blocks)]
        for block in ("block_1", *inner, "block_end"):
            name = f"feats.{group}.{block}"
            first = mish(folding(f"{name}.c1_r", x))
            deep = folding(f"{name}.c3_r", mish(folding(f"{name}.c2_r", first)))
            x = (deep + x) * (deep.sigmoid() - 0.5)
            results.append(x)
        last = folding(f"feats.{group}.conv_2", x)
        x = layer(f"feats.{group}.conv_cat", torch.cat((start, last, results[0], first), dim=1))
    return pixel_shuffle(layer(upsampler, x, padding=1), scale).float()


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("groups", [(0,), (4,), (2, 1)], ids=str)
def test_agrees_with_the_authors_layers(groups, scale):
    state = authors_state(scale, groups=groups)
    image = torch.rand(1, 3, 9, 12)

    network = recognition.build(state)

    assert network.scale == scale
    assert [len(group.blocks) for group in network.groups] == [inner + 2 for inner in groups]
    with torch.inference_mode():
        result, wanted = network(image), expected(state, image, scale, groups)
    torch.testing.assert_close(result, wanted, rtol=0, atol=1e-5)


def test_a_file_that_lacks_the_last_block_is_no_smaller_network():
    state = authors_state(groups=(4, 2))
    lacking = {key: one for key, one in state.items() if "feats.2.block_end" not in key}

    with pytest.raises(recognition.UnknownNetworkError, match="matches none of"):
        recognition.build(lacking)


def test_the_convolution_that_replaces_the_upsampler_at_x1_is_known():
    state, image = authors_state(1, plain=True), torch.rand(1, 3, 5, 6)

    result = recognition.build(state)(image)

    wanted = expected(state, image, 1, (1,), "upsampler")
    torch.testing.assert_close(result, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_sampling_at_computed_positions_is_known_but_not_exact(scale):
    module = spandrel_module("__arch_helpers.dysample")
    state = {
        key: value
        for key, value in authors_state(scale, features=8).items()
        if not key.startswith("upsampler")
    }
    sampler = module.DySample(8, 3, scale).eval()
    torch.nn.init.normal_(sampler.scope.weight)
    state |= {f"upsampler.{key}": value for key, value in sampler.state_dict().items()}
    image = torch.rand(1, 3, 12, 9)

    network = recognition.build(state)

    assert (network.scale, network.exact, network.receptive_field) == (scale, False, None)
    # the features before the last layer: those that a pixel shuffle of 1 leaves as they are
    eye = torch.zeros(8, 8, 3, 3)
    eye[range(8), range(8), 1, 1] = 1
    features = {**state, "last.weight": eye, "last.bias": torch.zeros(8)}
    with torch.inference_mode():
        wanted = sampler(expected(features, image, 1, (1,), "last"))
        torch.testing.assert_close(network(image), wanted, rtol=0, atol=1e-5)


def test_tiles_of_sampled_features_agree_where_positions_are_near(random):
    network = models.architecture("spanplus").network(
        scale=2, features=8, groups=(2,), sampled=True
    )
    image = random.random((90, 70, 3)).astype("float32")

    whole = napari_sr.upscale(image, network.eval(), border="zeros")
    tiled = napari_sr.upscale(image, network, tile=100, border="zeros")

    assert abs(tiled - whole).max() < 1e-5 * (whole.max() - whole.min())


def test_it_looks_21_pixels_around():
    with torch.device("meta"):
        network = models.architecture("spanplus").network(scale=4)

    # 1 head, 6 blocks of 3, 1 in the fusion, 1 at the end
    assert network.receptive_field == 21
