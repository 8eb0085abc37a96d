from __future__ import annotations

import math

import pytest
import torch

from napari_sr.training.losses.psnr import FLOOR, PSNR


def test_is_the_mean_of_the_logarithms_of_each_crops_error():
    result, truth = torch.zeros(2, 1, 1, 2), torch.tensor([[[[0.1, 0.3]]], [[[1.0, 2.0]]]])

    expected = (math.log(0.05 + FLOOR) + math.log(2.5 + FLOOR)) / 2
    assert PSNR()(result, truth).item() == pytest.approx(expected, rel=1e-5)


def test_a_crop_with_a_tenth_of_the_error_pulls_ten_times_as_hard_relative_to_it():
    result = torch.tensor([[[[0.01]]], [[[0.1]]]], requires_grad=True)

    PSNR()(result, torch.zeros(2, 1, 1, 1)).backward()

    near, far = result.grad.flatten().tolist()
    assert near == pytest.approx(0.01 / (0.01**2 + FLOOR), rel=1e-4)
    assert far == pytest.approx(0.1 / (0.1**2 + FLOOR), rel=1e-4)


def test_a_perfect_crop_has_a_finite_loss_and_gradient():
    result = torch.zeros(1, 1, 2, 2, requires_grad=True)

    loss = PSNR()(result, torch.zeros(1, 1, 2, 2))
    loss.backward()

    assert loss.item() == pytest.approx(math.log(FLOOR))
    assert result.grad.abs().max() == 0
