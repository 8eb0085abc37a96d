"""The challenge's IMDN baseline against its code and count."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.models.imdn_ntire import IMDNNTIRE
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("NTIRE2022_IMDN"))
def test_agrees_with_the_challenges_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def test_it_looks_35_pixels_around():
    with torch.device("meta"):
        network = IMDNNTIRE(scale=4)

    # 1 head, 8 blocks of 4, 1 after them, 1 tail
    assert network.receptive_field == 35


def test_it_is_not_taken_for_the_papers_network(case_of):
    record, _, options = recognition.recognise(case_of("NTIRE2022_IMDN_baseline_x4").state)

    assert record.title == "IMDN (NTIRE 2022)"
    assert options == {"scale": 4, "channels": 3, "features": 64, "blocks": 8}
