from __future__ import annotations

import pytest
import torch

from napari_sr.training.losses.hessian import Hessian


def test_is_the_mean_second_difference_each_way():
    result = torch.zeros(1, 1, 3, 3)
    result[0, 0, 1, 1] = 1.0

    value = Hessian()(result, torch.zeros_like(result))

    # -2 in one of three rows and columns; each of four corners has 1 or -1
    assert value.item() == pytest.approx(2 / 3 + 2 / 3 + 2)


def test_a_slope_has_none():
    y, x = torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij")
    slope = (2 * y + 3 * x)[None, None]

    assert Hessian()(slope, slope) == 0


@pytest.mark.parametrize("shape", [(1, 1, 1, 2), (1, 1, 1, 1)], ids=str)
def test_an_image_without_second_differences_has_none(shape):
    assert Hessian()(torch.rand(shape), torch.rand(shape)) == 0
