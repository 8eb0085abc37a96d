"""BSRN-S against its authors' code and counts."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("BSRN-S"))
def test_agrees_with_the_authors_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def test_matrices_of_the_authors_layout_become_1x1_kernels(case_of):
    state = case_of("BSRN-S_x4").state

    record, adapted, options = recognition.recognise(state)

    assert record.title == "BSRN-S"
    assert options == {"scale": 4, "channels": 3, "features": 48, "blocks": 5}
    assert state["B1.c5.weight"].shape == (48, 96)
    assert adapted["blocks.0.front.fuse.weight"].shape == (48, 96, 1, 1)


def test_channel_weights_scale_the_gated_features(example):
    network = example("bsrn_s", blocks=1)
    image = torch.rand(1, 3, 15, 15)
    with torch.no_grad():
        network.blocks[0].channel_weight.zero_()
        without = network(image)
        # a front of zeros stays zero after the gate
        network.blocks[0].channel_weight.fill_(1)
        network.blocks[0].front.fuse.weight.zero_()
        network.blocks[0].front.fuse.bias.zero_()

        torch.testing.assert_close(network(image), without)
