"""ESRT: compared with reference code, with the published size and little memory."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.engine.planning.memory import peak_bytes
from napari_sr.models.esrt import ESRT, adapt
from napari_sr.zoo import recognition

UNUSED = 12
"""Unused scalars of released checkpoints, one for each residual block."""


@pytest.mark.parametrize("name", cases("ESRT", "synth_ESRT"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)
    case.images.pop("set5_woman", None)  # as good as the crop, and takes seconds

    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-5
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == case.parameters - UNUSED


@pytest.mark.parametrize("name", cases("synth_ESRT"))
def test_only_unused_tensors_are_left_out(name, case_of):
    state = case_of(name).state

    assert len(state) - len(adapt(state)) == UNUSED


def test_the_skip_image_is_never_negative(example):
    network = example("esrt")
    torch.nn.init.zeros_(network.tail.weight)
    torch.nn.init.zeros_(network.tail.bias)

    with torch.inference_mode():
        result = network(torch.rand(1, 3, 8, 9))

    assert result.min() == 0


def test_memory_grows_no_faster_than_the_image():
    with torch.device("meta"):
        network = ESRT(scale=2)

    peak = peak_bytes(network, 3, 96, 96)

    # a matrix of scores alone would be 162 MiB here, and 8 GiB at 256 x 256
    assert peak < 6 * 1024 * 96**2


def test_odd_images_are_not_padded(example):
    network = example("esrt")

    with torch.inference_mode():
        results = [network(torch.rand(1, 3, *size)) for size in ((2, 2), (7, 13), (37, 5))]

    assert [result.shape[2:] for result in results] == [(4, 4), (14, 26), (74, 10)]
    assert (network.multiple, network.tile_alignment) == (1, 2)


def test_input_range_scales_in_and_out(example):
    state = example("esrt").state_dict()
    image = torch.rand(1, 3, 8, 8)

    with torch.inference_mode():
        plain = recognition.build(state)(255 * image) / 255
        ranged = recognition.build(state, input_range=255)(image)

    torch.testing.assert_close(ranged, plain, rtol=1e-5, atol=1e-6)
