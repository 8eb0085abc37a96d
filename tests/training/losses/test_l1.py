from __future__ import annotations

import pytest
import torch

from napari_sr.training.losses.l1 import L1


def test_is_the_mean_absolute_difference():
    result = torch.tensor([[[[0.0, 1.0], [0.25, -1.0]]]])
    truth = torch.tensor([[[[0.5, 0.5], [0.25, 1.0]]]])

    assert L1()(result, truth).item() == pytest.approx((0.5 + 0.5 + 0 + 2) / 4)


def test_descends_towards_the_truth_at_one_pace():
    result = torch.tensor([[[[3.0, -0.1]]]], requires_grad=True)

    L1()(result, torch.zeros(1, 1, 1, 2)).backward()

    assert result.grad.flatten().tolist() == [0.5, -0.5]
