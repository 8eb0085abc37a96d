"""DRCN's loss: all predictions, and their sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.losses.recursive import Recursive


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_is_both_halves_of_mean_squares(alpha, random):
    predictions, truth = random.random((3, 2, 1, 4, 5)), random.random((2, 1, 4, 5))
    result = random.random((2, 1, 4, 5))

    value = Recursive()(
        list(torch.from_numpy(predictions)),
        torch.from_numpy(result),
        torch.from_numpy(truth),
        alpha,
    )

    first = sum(np.mean((truth - one) ** 2) for one in predictions) / (2 * 3)
    second = np.mean((truth - result) ** 2) / 2
    assert value.item() == pytest.approx(alpha * first + (1 - alpha) * second, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_teaches_the_networks_result_and_its_predictions(alpha, example):
    network = example("drcn", depth=3).train()
    predictions = network.predictions(torch.rand(1, 1, 6, 5))

    loss = Recursive()(predictions, network.combine(predictions), torch.rand(1, 1, 12, 10), alpha)
    loss.backward()

    assert network.recur.weight.grad.abs().sum() > 0
    # the weights of the sum matter to the sum alone
    weights = network.weights.grad
    assert weights is None or (alpha == 1) == (weights.abs().sum() == 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_in_float32(dtype):
    image = torch.full((1, 1, 4, 4), 300.0, dtype=dtype)

    with torch.autocast("cpu", dtype=dtype):
        value = Recursive()([image, image], image, torch.zeros(1, 1, 4, 4), 0.5)

    assert value.item() == pytest.approx(45_000)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_an_alpha_out_of_bounds_is_refused(alpha):
    image = torch.rand(1, 1, 4, 4)

    with pytest.raises(ValueError, match=f"got 1 predictions and alpha={alpha}"):
        Recursive()([image], image, image, alpha)


def test_no_predictions_are_refused():
    image = torch.rand(1, 1, 4, 4)

    with pytest.raises(ValueError, match="got 0 predictions and alpha=1"):
        Recursive()([], image, image, 1)
