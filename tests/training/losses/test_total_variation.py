from __future__ import annotations

import pytest
import torch

from napari_sr.training.losses.total_variation import TotalVariation


def test_is_the_mean_difference_of_neighbours_each_way():
    result = torch.tensor([[[[0.0, 1.0, 3.0], [0.0, 5.0, 4.0]]]])

    value = TotalVariation()(result, torch.zeros_like(result))

    # 0, 4 and 1 down; 1, 2, 5 and 1 across
    assert value.item() == pytest.approx(5 / 3 + 9 / 4)


def test_an_even_image_has_none_whatever_the_truth():
    assert TotalVariation()(torch.full((1, 3, 4, 4), 0.3), torch.rand(1, 3, 4, 4)) == 0


@pytest.mark.parametrize(("shape", "expected"), [((1, 1, 1, 3), 2), ((1, 1, 1, 1), 0)], ids=str)
def test_a_line_has_neighbours_along_it_only(shape, expected):
    image = torch.arange(shape[-1], dtype=torch.float32).reshape(shape) * 2

    assert TotalVariation()(image, image).item() == expected


def test_brings_neighbours_together():
    result = torch.tensor([[[[0.0, 1.0]]]], requires_grad=True)

    TotalVariation()(result, torch.zeros(1, 1, 1, 2)).backward()

    assert result.grad.flatten().tolist() == [-1, 1]
