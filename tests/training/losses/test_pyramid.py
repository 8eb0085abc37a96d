"""LapSRN's loss: each level against the truth at its size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.layers.resize import imresize
from napari_sr.training.losses.pyramid import Pyramid


def charbonnier(result, truth, epsilon):
    return np.mean(np.sqrt((result - truth).numpy() ** 2 + epsilon**2))


def test_is_the_sum_over_levels_of_the_truth_at_their_size():
    levels = [torch.rand(2, 1, size, size, dtype=torch.float64) for size in (6, 12, 24)]
    truth = torch.rand(2, 1, 24, 24, dtype=torch.float64)

    value = Pyramid(epsilon=0.1)(levels, truth)

    truths = imresize(truth, 0.25), imresize(truth, 0.5), truth
    expected = sum(charbonnier(*pair, 0.1) for pair in zip(levels, truths, strict=True))
    assert value.item() == pytest.approx(expected, rel=1e-12)


def test_by_pixels_it_is_a_sum_over_the_pixels_of_all_levels():
    levels = [torch.rand(2, 1, size, size, dtype=torch.float64) for size in (6, 12, 24)]
    truth = torch.rand(2, 1, 24, 24, dtype=torch.float64)

    value = Pyramid(epsilon=0.1, by_pixels=True)(levels, truth)

    truths = imresize(truth, 0.25), imresize(truth, 0.5), truth
    sums = [charbonnier(*pair, 0.1) * pair[0].numel() for pair in zip(levels, truths, strict=True)]
    assert value.item() == pytest.approx(sum(sums) / truth.numel(), rel=1e-12)


def test_by_pixels_a_level_larger_than_the_truth_counts_as_the_truth():
    level, truth = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 12, 12)

    assert Pyramid(by_pixels=True)([level], truth) == Pyramid()([level], truth)


def test_a_level_larger_than_the_truth_is_shrunk_to_it():
    level = torch.rand(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)
    truth = torch.rand(1, 1, 12, 12, dtype=torch.float64)

    value = Pyramid()([level], truth)
    value.backward()

    expected = charbonnier(imresize(level.detach(), 0.75), truth, 1e-3)
    assert value.item() == pytest.approx(expected, rel=1e-12)
    assert level.grad.abs().sum() > 0


@pytest.mark.parametrize(("name", "scale"), [("lapsrn", 4), ("mslapsrn", 3)])
def test_teaches_every_level_of_a_network(name, scale, example):
    network = example(name, scale=scale).train()

    Pyramid()(
        network.pyramid(torch.rand(1, 1, 6, 5)), torch.rand(1, 1, 6 * scale, 5 * scale)
    ).backward()

    assert all(weight.grad.abs().sum() > 0 for weight in network.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_in_float32(dtype):
    levels = [torch.full((1, 1, size, size), 300.0, dtype=dtype) for size in (4, 8, 16)]

    with torch.autocast("cpu", dtype=dtype):
        value = Pyramid()(levels, torch.zeros(1, 1, 8, 8))

    assert value.dtype == torch.float32
    # what is shrunk overshoots no even plane
    assert value.item() == pytest.approx(900, rel=1e-3)


def test_no_levels_are_refused():
    with pytest.raises(ValueError, match="images of all levels, got none"):
        Pyramid()([], torch.rand(1, 1, 8, 8))


def test_a_level_of_other_proportions_is_refused():
    with pytest.raises(ValueError, match=r"got \(1, 1, 4, 5\) and \(1, 1, 4, 4\)"):
        Pyramid()([torch.rand(1, 1, 4, 5)], torch.rand(1, 1, 8, 8))
