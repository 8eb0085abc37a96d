"""The arithmetic by which kernels are judged agrees with what networks and ops really are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import sr_kernels

pytest.importorskip("triton.knobs", reason="needs Triton 3.4 or newer")

FILE = Path(__file__).parents[3] / "benchmarks" / "gpu" / "kernel_model.py"
HEIGHT, WIDTH = 180, 320


@pytest.fixture(scope="module")
def model(benchmark):
    return benchmark("gpu/kernel_model")


def test_a_convolution_with_bias_is_two_kernels(model):
    convolution = torch.nn.Conv2d(8, 4, 3, padding=1, device="meta", dtype=torch.half)

    kernels = model.eager(convolution, (1, 8, 5, 7))

    planes = 2 * 5 * 7
    weights = 2 * (4 * 8 * 9 + 4)
    assert [kernel.name for kernel in kernels] == ["conv2d", "bias"]
    assert [kernel.bytes for kernel in kernels] == [12 * planes + weights, 8 * planes]
    assert kernels[0].matrix == 2 * 4 * 8 * 9 * 5 * 7


def test_views_cost_nothing(model):
    kernels = model.eager(lambda x: x.split(2, dim=1)[0] + 1, (1, 4, 3, 3))

    assert [kernel.name for kernel in kernels] == ["add"]


def test_time_is_that_of_the_scarcest_resource(model):
    card = model.Card("", "sm_90", 10.0, 10.0, 100.0, 50.0, processors=2, clock=1 / 256)

    assert card.vector == 1
    assert model.Kernel("", bytes=40, matrix=100, vector=2).seconds(card) == 4
    assert model.Kernel("", bytes=10, matrix=500, vector=2).seconds(card) == 5
    assert model.Kernel("", bytes=10, matrix=100, vector=6).seconds(card) == 6


@pytest.mark.parametrize(
    ("known", "operations", "moved"), [("bsrn", 665_874, 90_339), ("rfdn", 824_970, 28_289)]
)
def test_eager_networks_agree_with_earlier_counts(model, known, operations, moved):
    kernels = model.eager(model.network_of(known), (1, 3, HEIGHT, WIDTH))

    stencils = sum(2 * kernel.vector for kernel in kernels if kernel.name == "depthwise")
    total, matrix = model.in_all(kernels)
    assert (matrix + stencils) / (HEIGHT * WIDTH) == pytest.approx(operations, rel=0.001)
    # the blocks' outputs were concatenated there, and are accumulated here
    assert total / (HEIGHT * WIDTH) == pytest.approx(moved, rel=0.03)


LEFT = {"bsrn": 0.01, "bsrn_s": 0.01, "rfdn": 0.01, "imdn": 0.15}
"""Share of the bytes that PyTorch moves beside our ops; IMDN's distilled parts are concatenated."""


@pytest.fixture(scope="module", params=LEFT)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def both(name, model):
    """The kernels of a network in plain PyTorch, and with our ops."""
    network, image = model.network_of(name), (1, 3, HEIGHT, WIDTH)
    return model.eager(network, image), model.fused(network, image)


def test_fused_networks_move_less_in_fewer_kernels(model, both):
    slow, fast = both

    assert len(fast) < len(slow) / 2
    assert model.in_all(fast)[0] < model.in_all(slow)[0] / 3


def test_the_fused_bsrn_stays_within_its_memory(model):
    network = model.network_of("bsrn")

    peak = model.peak_bytes(lambda: model.fused(network, (1, 3, HEIGHT, WIDTH)))

    # at least x, two refinements, the fusion and the long skip, of 64 channels each
    assert 640 < peak / (HEIGHT * WIDTH) < 1056


def test_next_to_nothing_is_left_to_pytorch(model, name, both):
    left = [kernel for kernel in both[1] if not kernel.own]

    assert model.in_all(left)[0] < LEFT[name] * model.in_all(both[1])[0]


def test_ops_move_what_they_are_given_and_return(both):
    ours = [kernel for kernel in both[1] if kernel.own and kernel.bytes]

    assert ours
    for kernel in ours:
        assert kernel.bytes == pytest.approx(kernel.given, rel=0.01), kernel.name


def test_no_kernel_of_plain_pytorch_is_one_of_ours(both):
    assert not [kernel.name for kernel in both[0] if kernel.own]


def small_example(name):
    with torch.device("meta") as device:
        return sr_kernels.op(name).example((1, 32, 20, 30), torch.half, device)


def test_an_op_is_as_many_kernels_as_it_launches(model):
    x, *rest = small_example("gated_residual")
    channels_last = torch.channels_last
    plane = x.contiguous(memory_format=channels_last)

    def call(_):
        sr_kernels.op("gated_residual").public(plane, rest[0], plane)
        sr_kernels.op("plane_moments").public(plane)

    kernels = model.fused(call, (1,))

    gated, moments, merged = kernels
    assert (gated.name, moments.name, merged.name) == (
        "gated_residual", "plane_moments", "plane_moments",
    )  # fmt: skip
    assert gated.bytes == sr_kernels.op("gated_residual").bytes_moved(plane, rest[0], plane)
    assert moments.bytes == sr_kernels.op("plane_moments").bytes_moved(plane)
    assert merged.bytes == 0


def test_a_copy_before_an_op_counts_as_a_kernel(model):
    x, gate, _ = small_example("gated_residual")

    kernels = model.fused(lambda _: sr_kernels.op("gated_residual").public(x, gate), (1,))

    assert [kernel.name for kernel in kernels] == ["contiguous", "gated_residual"]
    assert kernels[0].bytes == 2 * x.nbytes


def test_the_time_of_our_kernels_follows_from_their_machine_code(model):
    card = model.Card("", "sm_90", 10.0, 20.0, 100.0, 50.0, processors=2, clock=1 / 256)
    count = model_count(instructions=80, shared=15, fetched=100, loaded=50, matrix=64,
                        wide_matrix=100)  # fmt: skip
    code = model.Launch("", loop=count, rest=count, turns=1, warps=2, programs=3, resident=2,
                        elements=1)  # fmt: skip

    kernel = model.Kernel("", bytes=300, own=True, code=code)

    # two of three programs, of two warps each, are on one multiprocessor
    assert kernel.parts(card) == pytest.approx(
        {
            "memory": 30,
            "L2": 2 * 100 * 2 * 3 / 20,
            "issue": 256 * 2 * 80 * 4 / 4,
            "shared": 256 * 2 * 15 * 4,
            "matrix": 2 * (64 / 25 + 100 / 50) * 4,
            "L1": 256 * 2 * 50 * 4 / 128,
            "port": 256 * 2 * 100 * 4 / 64,
        }
    )
    assert kernel.seconds(card) == 256 * 160
    assert kernel.limit(card) == "issue"


def model_count(**numbers):
    from machine_code import Count

    return Count(**numbers)
