"""Shared by EDSR and MDSR: the mean colour, and the options read off a trunk."""

from __future__ import annotations

import pytest
import torch

from napari_sr.layers.edsr_trunk import MEAN, adapt, mean_of, trunk_options


def test_only_colour_has_a_mean():
    assert mean_of(3).flatten().tolist() == pytest.approx(MEAN)
    assert mean_of(1).flatten().tolist() == [0]


def test_foreign_keys_stay():
    state = {"fc.weight": torch.zeros(1)}

    assert adapt(state) is state


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_the_range_is_read_off_the_mean_colour(white):
    shift = torch.tensor(MEAN) * white
    eye = torch.eye(3)[:, :, None, None]
    state = {
        "head.0.weight": torch.zeros(4, 3, 3, 3),
        "body.0.body.0.weight": torch.zeros(4, 4, 3, 3),
        "sub_mean.weight": eye,
        "sub_mean.bias": -shift,
        "add_mean.weight": eye,
        "add_mean.bias": shift,
    }

    own = adapt(state)
    options = trunk_options({**state, **own}, 2)

    assert own["mean"].flatten().tolist() == pytest.approx(MEAN)
    assert options is not None
    assert options["input_range"] == white


def test_a_state_without_a_trunk_has_no_options():
    assert trunk_options({"head.weight": torch.zeros(4, 3, 3, 3)}, 2) is None
