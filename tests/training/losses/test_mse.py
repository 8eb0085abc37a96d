from __future__ import annotations

import pytest
import torch

from napari_sr.training.losses.mse import MSE


def test_is_the_mean_squared_difference():
    result = torch.tensor([[[[0.0, 1.0], [0.25, -1.0]]]])
    truth = torch.tensor([[[[0.5, 0.5], [0.25, 1.0]]]])

    assert MSE()(result, truth).item() == pytest.approx((0.25 + 0.25 + 0 + 4) / 4)


def test_descends_towards_the_truth_the_faster_the_further():
    result = torch.tensor([[[[3.0, -0.5]]]], requires_grad=True)

    MSE()(result, torch.zeros(1, 1, 1, 2)).backward()

    assert result.grad.flatten().tolist() == [3.0, -0.5]
