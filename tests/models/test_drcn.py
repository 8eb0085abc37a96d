"""DRCN: the paper's network and a public variant, all predictions, and parameter counts."""

from __future__ import annotations

import pytest
import torch
from luma import gain, luma_of
from torch.nn import functional

from napari_sr.layers.resize import imresize
from napari_sr.models.drcn import DRCN
from napari_sr.zoo import recognition
from napari_sr.zoo.checkpoint import read_checkpoint

VARIANT = "weights/drcn/drcn_F96_D9_x2_extracted.npz"


def predictions_as_the_paper_says(network, image):
    enlarged = imresize(image, network.scale) * network.input_range
    x = network.embed(network.head(enlarged))
    for _ in range(network.depth):
        x = functional.relu(functional.conv2d(x, network.recur.weight, network.recur.bias, 1, 1))
        features = network.rebuild(x)
        if network.joined:
            yield network.tail(torch.cat([features, enlarged], 1)) / network.input_range
        else:
            yield (network.tail(features) + enlarged) / network.input_range


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_result_is_the_weighted_sum_of_all_predictions(joined, depth, scale, example):
    network = example("drcn", scale=scale, depth=depth, joined=joined)
    image, weights = torch.rand(1, 1, 6, 5), torch.rand(depth)
    with torch.no_grad():
        network.weights.copy_(weights)

    with torch.inference_mode():
        expected = list(predictions_as_the_paper_says(network, image))
        predictions, result = network.predictions(image), network(image)
        torch.testing.assert_close(network.combine(predictions), result)

    for ours, theirs in zip(predictions, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    share = weights / weights.sum() if joined else weights
    total = sum(part * weight for part, weight in zip(expected, share, strict=True))
    torch.testing.assert_close(result, total)


def test_a_fresh_network_keeps_its_features_through_all_recursions(example):
    network = example("drcn", features=16, depth=16)
    features = network.embed(network.head(torch.rand(1, 1, 6, 5)))

    for _ in range(network.depth):
        after = network.recur(features)
        torch.testing.assert_close(after, features)
        features = after
    assert features.std() > 0.05


def test_every_prediction_trains_all_layers(example):
    network = example("drcn")

    network.predictions(torch.rand(1, 1, 6, 5))[0].square().mean().backward()

    layers = (network.head, network.embed, network.recur, network.rebuild, network.tail)
    assert all(layer.weight.grad.abs().sum() > 0 for layer in layers)


def test_variant_reads_its_options_off_the_tensors(shared):
    network = recognition.build(read_checkpoint(shared / VARIANT), scale=2)

    assert (network.depth, network.joined, network.input_range) == (9, True, 255)
    assert sum(parameter.numel() for parameter in network.parameters()) == 250_963


def test_variant_sharpens_far_beyond_bicubic(shared):
    network = recognition.build(read_checkpoint(shared / VARIANT), scale=2)

    assert gain(network, luma_of(shared / "data/Set5/HR/butterfly.png", 96)) > 4


def test_variant_keeps_its_form_under_our_keys(example):
    network, image = example("drcn", joined=True), torch.rand(1, 1, 6, 5)

    again = recognition.build(network.state_dict(), scale=2)

    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_deep_network_is_cut_often():
    with torch.device("meta"):
        chain = DRCN(scale=2).chain()

    assert len(chain) >= 16 // 2


def test_depth_of_zero_is_refused():
    with pytest.raises(ValueError, match="depth of at least 1, got depth=0"):
        DRCN(scale=2, depth=0)
