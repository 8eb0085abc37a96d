from __future__ import annotations

import torch
from fakes import Nearest

from napari_sr.engine.planning.memory import learning_bytes, meta_copy, peak_bytes
from napari_sr.models.fsrcnn import FSRCNN


def test_the_peak_of_a_known_computation_is_counted_exactly():
    # 4 bytes per pixel; repeated along X, then along Y while the former exists, then multiplied
    pixels = 4 * 8 * 8

    assert peak_bytes(Nearest(scale=2), 1, 8, 8) == pixels * (1 + 4 + 4)


def test_memory_grows_with_the_pixels():
    network = FSRCNN(scale=2)

    ratio = peak_bytes(network, 1, 64, 64) / peak_bytes(network, 1, 32, 32)

    assert 3.9 < ratio < 4.1


def test_half_precision_takes_about_half():
    network = FSRCNN(scale=2)
    full = peak_bytes(network, 1, 64, 64)

    assert 0.45 < peak_bytes(network.half(), 1, 64, 64) / full < 0.6


def test_a_meta_copy_has_the_shapes_but_no_data():
    network = FSRCNN(scale=2)

    without_data = meta_copy(network)

    assert {tensor.device.type for tensor in without_data.parameters()} == {"meta"}
    assert {tensor.device.type for tensor in network.parameters()} == {"cpu"}
    assert torch.nn.utils.parameters_to_vector(network.parameters()).isfinite().all()


def test_learning_keeps_what_the_gradient_needs():
    network = FSRCNN(scale=2)

    one, four = (learning_bytes(network, side, side) for side in (24, 48))

    # the outputs of every convolution and every PReLU of the paper's 56, 12 and 4 layers
    kept = 2 * (56 + 12 + 4 * 12 + 56)
    assert one > kept * 4 * 24 * 24
    assert 3.9 < four / one < 4.1
    assert not any(weight.grad is not None for weight in network.parameters())
