"""The arithmetic by which kernels are judged agrees with what networks and ops really are."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

import sr_kernels
from napari_sr import models
from napari_sr.engine.memory import ghost

FILE = Path(__file__).parents[2] / "benchmarks" / "kernel_model.py"
HEIGHT, WIDTH = 180, 320


@pytest.fixture(scope="module")
def model():
    spec = importlib.util.spec_from_file_location("kernel_model", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


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
    card = model.Card("", bandwidth=10.0, matrix=100.0, vector=1.0)

    assert model.Kernel("", bytes=40, matrix=100, vector=2).seconds(card) == 4
    assert model.Kernel("", bytes=10, matrix=500, vector=2).seconds(card) == 5
    assert model.Kernel("", bytes=10, matrix=100, vector=6).seconds(card) == 6


@pytest.mark.parametrize(
    ("name", "operations", "moved"), [("bsrn", 665_874, 90_339), ("rfdn", 824_970, 28_289)]
)
def test_eager_networks_cost_what_was_counted_before(model, name, operations, moved):
    network = ghost(models.architecture(name).network(scale=4).eval().half())

    kernels = model.eager(network, (1, 3, HEIGHT, WIDTH))

    stencils = sum(2 * kernel.vector for kernel in kernels if kernel.name == "depthwise")
    total, matrix = model.in_all(kernels)
    assert (matrix + stencils) / (HEIGHT * WIDTH) == pytest.approx(operations, rel=0.001)
    # the blocks' outputs were concatenated there, and are accumulated here
    assert total / (HEIGHT * WIDTH) == pytest.approx(moved, rel=0.03)


@pytest.mark.parametrize("name", ["bsrn", "bsrn_s", "rfdn", "imdn"])
def test_fused_networks_move_less_in_fewer_kernels(model, name):
    network = ghost(models.architecture(name).network(scale=4).eval().half())
    slow = model.eager(network, (1, 3, HEIGHT, WIDTH))

    fast = model.planned(name, network, HEIGHT, WIDTH)

    assert len(fast) < len(slow) / 2
    assert model.in_all(fast)[0] < model.in_all(slow)[0] / 3


@pytest.mark.parametrize("name", ["bsconv", "gated_residual", "plane_moments"])
def test_the_plan_moves_what_the_ops_say(model, name):
    op = sr_kernels.op(name)
    with torch.device("meta") as device:
        arguments = op.example((1, 64, HEIGHT, WIDTH), torch.half, device)
    plan = model.Plan(HEIGHT, WIDTH)

    getattr(plan, name)(*([64, 64] if name == "bsconv" else [64]))

    # weights are left out of the plan
    assert plan.kernels[0].bytes == pytest.approx(op.bytes_moved(*arguments), rel=0.01)
