"""Folded convolutions against the four convolutions that they replace."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d, pad

from napari_sr.layers.conv3xc import folded


def layers(inputs, outputs, gain=2, dtype=torch.float32):
    """Return the tensors of one re-parameterised convolution, named `one`, with random values."""
    torch.manual_seed(0)
    shapes = {
        "sk": (outputs, inputs, 1, 1),
        "conv.0": (gain * inputs, inputs, 1, 1),
        "conv.1": (gain * outputs, gain * inputs, 3, 3),
        "conv.2": (outputs, gain * outputs, 1, 1),
    }
    state = {f"one.{name}.weight": torch.randn(shape) for name, shape in shapes.items()}
    state |= {f"one.{name}.bias": torch.randn(shape[0]) for name, shape in shapes.items()}
    return {key: value.to(dtype) for key, value in state.items()}


def in_training(state, x):
    """Compute what the authors' code computes in training: pad first, then four convolutions."""

    def layer(name, x):
        return conv2d(x, state[f"one.{name}.weight"].double(), state[f"one.{name}.bias"].double())

    wide = pad(x, (1, 1, 1, 1))
    return layer("conv.2", layer("conv.1", layer("conv.0", wide))) + layer("sk", x)


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 8), (8, 8), (5, 1)])
def test_the_folded_convolution_is_the_four_to_rounding(inputs, outputs):
    state = layers(inputs, outputs, dtype=torch.float64)
    x = torch.randn(2, inputs, 7, 6, dtype=torch.float64)

    plain = folded(state)

    assert plain.keys() == {"one.weight", "one.bias"}
    result = conv2d(x, plain["one.weight"], plain["one.bias"], padding=1)
    torch.testing.assert_close(result, in_training(state, x), rtol=1e-12, atol=1e-11)


def test_weights_in_float32_are_rounded_once():
    state = layers(4, 6)
    exact = folded({key: value.double() for key, value in state.items()})

    plain = folded(state)

    assert plain["one.weight"].dtype == torch.float32
    for key, value in plain.items():
        assert torch.equal(value, exact[key].float())


def test_a_stored_folded_convolution_does_not_replace_the_others():
    state = layers(3, 4)
    stale = {"one.eval_conv.weight": torch.zeros(4, 3, 3, 3), "one.eval_conv.bias": torch.zeros(4)}

    assert torch.equal(folded(state | stale)["one.weight"], folded(state)["one.weight"])


def test_a_folded_convolution_that_is_stored_alone_is_taken():
    weight, bias = torch.randn(4, 3, 3, 3), torch.randn(4)

    plain = folded({"a.b.eval_conv.weight": weight, "a.b.eval_conv.bias": bias, "c": bias})

    assert plain.keys() == {"a.b.weight", "a.b.bias", "c"}
    assert torch.equal(plain["a.b.weight"], weight)


@pytest.mark.parametrize("key", ["one.sk.weight", "one.conv.1.weight", "one.conv.2.bias"])
def test_convolutions_of_wrong_shapes_stay_unchanged(key):
    for wrong in (torch.zeros(()), torch.zeros(2, 2), torch.zeros(0, 4, 3, 3)):
        state = layers(3, 4) | {key: wrong}

        assert folded(state) == state


def test_a_missing_bias_leaves_the_others_unchanged():
    state = layers(3, 4)
    del state["one.conv.0.bias"]

    assert folded(state) == state
