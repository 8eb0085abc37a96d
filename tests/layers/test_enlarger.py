"""The enlargement by twos or a three, and its scale in checkpoints."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_sr.layers.enlarger import enlarger, factors, reach_of_enlarger, scale_of_enlarger


@pytest.mark.parametrize(
    ("scale", "expected"), [(1, ()), (2, (2,)), (3, (3,)), (4, (2, 2)), (8, (2, 2, 2))]
)
def test_enlargement_goes_by_twos_or_one_three(scale, expected):
    assert factors(scale) == expected


@pytest.mark.parametrize("scale", [0, 5, 6, 12])
def test_other_enlargements_are_named(scale):
    with pytest.raises(ValueError, match=f"a scale of 3 or a power of 2, got scale={scale}"):
        factors(scale)


@pytest.mark.parametrize("activation", [None, nn.ReLU()], ids=["plain", "activated"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_enlarger_enlarges_and_its_scale_is_read_off_its_tensors(scale, activation):
    stages = enlarger(4, scale, activation)

    assert stages(torch.zeros(1, 4, 3, 5)).shape == (1, 4, 3 * scale, 5 * scale)
    state = {f"up.{key}": value for key, value in stages.state_dict().items()}
    assert scale_of_enlarger(state, "up.") == scale


@pytest.mark.parametrize(
    ("activation", "second"), [(None, 2), (nn.LeakyReLU(), 3)], ids=["plain", "activated"]
)
def test_enlarger_s_keys_count_all_that_checkpoints_count(activation, second):
    keys = enlarger(4, 4, activation).state_dict().keys()

    assert {key.split(".")[0] for key in keys} == {"0", str(second)}


def test_enlarger_of_other_tensors_has_no_scale():
    assert scale_of_enlarger({"up.0.weight": torch.zeros(7, 4, 3, 3)}, "up.") is None


@pytest.mark.parametrize(("scale", "reach"), [(1, 2), (2, 2), (3, 2), (4, 2)])
def test_reach_of_enlarger_with_two_convolutions_after_it(scale, reach):
    # by hand, x4: 2 at x4 are 1 at x2, and 1 for its 3x3; those 2 are 1 here, and 1 for its 3x3
    assert reach_of_enlarger(scale, 2) == reach
