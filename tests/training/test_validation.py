"""PSNR of a network on held-out pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from napari_sr.evaluation._psnr import psnr
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.training.validation import flat, judge, pair_psnr


@pytest.mark.parametrize("channels", [1, 3])
def test_the_mean_psnr_leaves_the_border_out(channels):
    torch.manual_seed(0)
    network = FSRCNN(scale=2, channels=channels, features=4, shrunk=2, layers=1).train()
    pairs = [(torch.rand(channels, 9, 8), torch.rand(channels, 18, 16)) for _ in range(2)]

    found = judge(network, pairs)

    with torch.no_grad():
        results = [network(lr[None])[0].clamp(0, 1) for lr, _ in pairs]
    expected = [
        psnr(np.moveaxis(ours.numpy(), 0, 2), np.moveaxis(hr.numpy(), 0, 2), border=2)
        for ours, (_, hr) in zip(results, pairs, strict=True)
    ]
    assert found == pytest.approx(np.mean(expected), abs=1e-9)
    assert network.training, "a network that trains goes on training"


def test_values_beyond_black_and_white_are_judged_for_a_peak_of_one():
    truth = torch.linspace(-0.5, 1.5, 200).reshape(1, 10, 20)

    off, past_the_end = pair_psnr(truth + 0.1, truth, 1), pair_psnr(truth * 9, truth, 1)

    # an error of 0.1 of white less black is 20 dB, but where the truth's own ends clip it
    assert off == pytest.approx(20, abs=0.3)
    assert past_the_end > pair_psnr((truth * 9).clamp(0, 1), truth, 1) - 10
    assert pair_psnr(torch.full_like(truth, torch.nan), truth, 1) == -math.inf


def test_results_for_a_truth_within_are_clipped_as_papers_do():
    truth = torch.linspace(0, 1, 200).reshape(1, 10, 20)

    assert pair_psnr(truth * 1.5 - 0.2, truth, 0) == pair_psnr(
        (truth * 1.5 - 0.2).clamp(0, 1), truth, 0
    )


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, True), (0.7, True), (-3.0, True)], ids=["black", "grey", "beyond"]
)
def test_a_truth_without_structure_inside_its_border_is_flat(value, expected):
    truth = torch.full((3, 10, 12), value)
    truth[:, 0, 0] = 1

    assert flat(truth, 1) is expected
    truth[:, 5, 5] = value + 1 / 255
    assert not flat(truth, 1)
