"""The perceptual loss: the features it compares, how, and in which precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from vgg import small_vgg

from napari_sr.training.losses.perceptual import Perceptual

LAYERS = {"conv1_2": 0.5, "relu3_1": 2.0}


@pytest.fixture
def weights(tmp_path):
    """A file of a VGG19 of two features."""
    save_file(small_vgg(), tmp_path / "vgg.safetensors")
    return tmp_path / "vgg.safetensors"


@pytest.mark.parametrize("distance", ["l1", "mse"])
def test_is_the_weighted_mean_difference_of_features(distance, weights):
    loss = Perceptual(layers=LAYERS, distance=distance, weights=weights).double()
    result, truth = torch.rand(2, 2, 3, 8, 8, dtype=torch.float64)

    value = loss(result, truth)

    expected = 0.0
    for name, weight in LAYERS.items():
        apart = (loss.features(result)[name] - loss.features(truth)[name]).numpy()
        expected += weight * np.mean(np.abs(apart) if distance == "l1" else apart**2)
    assert value.item() == pytest.approx(expected, rel=1e-12)


def test_before_and_after_the_rectifier_differ(weights):
    images = torch.rand(2, 1, 3, 8, 8)

    before, after = (
        Perceptual(layers={name: 1}, weights=weights)(*images) for name in ("conv2_2", "relu2_2")
    )

    assert before > after > 0


def test_is_esrgans_by_default(weights):
    loss = Perceptual(weights=weights)

    assert (loss.layers, loss.distance) == ({"conv5_4": 1.0}, "l1")


def test_equal_images_have_none_and_the_gradient_goes_to_the_result_alone(weights):
    loss = Perceptual(layers=LAYERS, distance="mse", weights=weights)
    result, truth = (torch.rand(1, 3, 8, 8, requires_grad=True) for _ in range(2))

    assert loss(truth, truth).item() == 0
    value = loss(result, truth)
    value.backward()
    assert truth.grad is None
    # a step against the gradient makes it smaller
    assert loss(result - 1e-3 * result.grad / result.grad.norm(), truth) < value


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_in_float32(dtype, weights):
    loss = Perceptual(layers=LAYERS, distance="mse", weights=weights)
    result = (500 * torch.rand(1, 3, 8, 8)).to(dtype).requires_grad_()

    with torch.autocast("cpu", dtype=dtype):
        value = loss(result, torch.zeros(1, 3, 8, 8))
    # the gradient of float16 is float16, too: without a scale it would be beyond its range
    (value / 1e6).backward()

    assert value.dtype == torch.float32
    assert value > 65_504
    assert value.isfinite()
    assert result.grad.isfinite().all()


def test_weights_of_layers_below_zero_are_refused():
    with pytest.raises(ValueError, match=r"at least 0, got \{'conv5_4': -1\}"):
        Perceptual(layers={"conv5_4": -1})


def test_an_unknown_distance_is_refused():
    with pytest.raises(ValueError, match="one of l1, mse, got 'cosine'"):
        Perceptual(distance="cosine")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"there is no checkpoint file {tmp_path / 'none.pth'}"):
        Perceptual(weights=tmp_path / "none.pth")
