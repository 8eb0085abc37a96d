"""IMDN against its authors' code and counts."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("IMDN"))
def test_agrees_with_the_authors_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def test_checkpoint_shows_everything_but_the_slope(case_of):
    _, _, options = recognition.recognise(case_of("IMDN_x2").state)

    assert options == {"scale": 2, "channels": 3, "features": 64, "blocks": 6, "reduction": 16}


def test_slope_is_an_option(example):
    state = example("imdn").state_dict()
    image = torch.rand(1, 3, 8, 8)

    difference = recognition.build(state, slope=0.5)(image) - recognition.build(state)(image)

    assert difference.abs().max() > 1e-4


def test_one_pixel_is_enlarged(example):
    assert example("imdn")(torch.rand(1, 3, 1, 1)).shape == (1, 3, 2, 2)
