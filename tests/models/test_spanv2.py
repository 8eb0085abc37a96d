"""SPANV2 against a few lines of PyTorch, under the authors' keys."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d, pixel_shuffle, relu

from napari_sr import models
from napari_sr.zoo import recognition


def authors_state(scale, channels=3, features=6, blocks=4, bias=False):
    """Return random tensors with the keys and shapes of the authors' code."""
    torch.manual_seed(0)
    pixels = channels * scale**2
    both = pixels + features
    shapes = {"conv_near": (pixels, 1, 3, 3)}
    shapes |= {"depthwise_conv": (both, 1, 3, 3), "pointwise_conv": (pixels, both, 1, 1)}
    for block in range(1, blocks + 2):
        inputs = channels if block == 1 else features
        for name, width in (("c1", inputs), ("c2", features), ("c3", features)):
            shapes[f"block_{block}.{name}.conv"] = (features, width, 3, 3)
    state = {f"{name}.weight": 0.3 * torch.randn(shape) for name, shape in shapes.items()}
    if bias:
        for name in shapes.keys() - {"conv_near"}:
            state[f"{name}.bias"] = 0.3 * torch.randn(len(state[f"{name}.weight"]))
    for block in range(2, blocks + 2):
        name = f"block_{block}.guidance_map_conv"
        state[f"{name}.weight"] = 0.3 * torch.randn(features, features, 1, 1)
        state[f"{name}.bias"] = 0.3 * torch.randn(features)
    return state


def expected(state, image, scale, blocks=4):
    def layer(name, x, groups=1):
        weight = state[f"{name}.weight"]
        bias = state.get(f"{name}.bias")
        return conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=groups)

    x = image
    for block in range(1, blocks + 2):
        deep = relu(layer(f"block_{block}.c1.conv", x))
        deep = layer(f"block_{block}.c3.conv", relu(layer(f"block_{block}.c2.conv", deep)))
        if block == 1:
            x = relu(deep)
        else:
            x = (x + deep) * layer(f"block_{block}.guidance_map_conv", deep)
    x = torch.cat((layer("conv_near", image, groups=image.shape[1]), x), dim=1)
    x = layer("pointwise_conv", layer("depthwise_conv", x, groups=x.shape[1]))
    return pixel_shuffle(x, scale)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_agrees_with_the_authors_layers(scale, channels, bias):
    state = authors_state(scale, channels, bias=bias)
    image = torch.rand(1, channels, 9, 12)

    network = recognition.build(state)

    assert (network.scale, network.title) == (scale, "SPANV2")
    with torch.inference_mode():
        torch.testing.assert_close(network(image), expected(state, image, scale))


def test_it_looks_16_pixels_around():
    with torch.device("meta"):
        network = models.architecture("spanv2").network(scale=4)

    # five branches of 3, and the depthwise convolution
    assert network.receptive_field == 16


def test_another_white_multiplies_the_image_and_divides_the_result():
    state, image = authors_state(2), torch.rand(1, 3, 5, 6)

    network = recognition.build(state, input_range=1.5)

    wanted = expected(state, 1.5 * image, 2) / 1.5
    torch.testing.assert_close(network(image), wanted)
