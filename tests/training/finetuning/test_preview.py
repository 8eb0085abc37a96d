from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import Nearest

from napari_sr.evaluation._psnr import psnr
from napari_sr.layers.resize import imresize
from napari_sr.training.finetuning.preview import SIDES, HeldOut


def pair(height, width, channels=1):
    torch.manual_seed(height)
    hr = torch.rand(channels, height, width)
    return imresize(hr, 0.5).clamp(0, 1), hr


def test_bicubic_is_scored_as_networks_are():
    class Bicubic(Nearest):
        def compute(self, image):
            return imresize(image[0], 2)[None]

    pairs = [pair(20, 24), pair(24, 20)]

    held_out = HeldOut(pairs, 2)

    expected = [
        psnr(imresize(lr, 2).clamp(0, 1)[0].numpy(), hr[0].numpy(), border=2) for lr, hr in pairs
    ]
    assert held_out.bicubic == pytest.approx(sum(expected) / 2, abs=1e-5)
    assert held_out.judgement(Bicubic(scale=2)).psnr == pytest.approx(held_out.bicubic, abs=1e-5)


def test_the_four_pictures_show_one_place():
    lr, hr = pair(20, 24, channels=3)

    shown = HeldOut([(lr, hr)], 2).show(Nearest(scale=2, channels=3))

    truth = (hr * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(shown.truth, truth)
    np.testing.assert_array_equal(shown.low_resolution, shown.network)  # which repeats pixels
    assert shown.bicubic.shape == (20, 24, 3)
    assert (shown.bicubic != shown.low_resolution).any()


def test_the_place_with_most_structure_of_the_liveliest_pair_is_shown():
    dull, (_, hr) = pair(200, 200), pair(201, 300)
    dull = (dull[0] * 0.1, dull[1] * 0.1)
    hr = hr[:, :200] * 0.1
    hr[:, 120:, 200:] = (hr[:, 120:, 200:] > 0.05).float()

    shown = HeldOut([dull, (imresize(hr, 0.5).clamp(0, 1), hr)], 2).show(Nearest(scale=2))

    assert shown.truth.shape == SIDES
    assert shown.truth.mean() > 100


def test_parts_without_structure_are_not_judged():
    flat = torch.full((1, 10, 12), 0.3), torch.full((1, 20, 24), 0.3)

    assert HeldOut([flat, pair(20, 24)], 2).bicubic == HeldOut([pair(20, 24)], 2).bicubic
    with pytest.raises(ValueError, match="all 2 held-out parts are flat"):
        HeldOut([flat, flat], 2)


def test_as_many_are_judged_as_are_asked_for_spread_over_all():
    pairs = [pair(20, 24) for _ in range(7)]
    flat = torch.zeros(1, 10, 12), torch.zeros(1, 20, 24)

    held_out = HeldOut([flat, *pairs], 2, most=3)

    assert held_out.judged == [2, 4, 6]
    assert len(held_out.pairs) == 3
    assert HeldOut(pairs, 2, most=9).judged == list(range(7))
