from __future__ import annotations

import dataclasses

import pytest
import torch

import sr_kernels
from sr_kernels import _self_check
from sr_kernels._self_check import agrees, failures


@pytest.fixture(autouse=True)
def asked_anew():
    _self_check._failures.cache_clear()
    yield
    _self_check._failures.cache_clear()


@pytest.mark.parametrize("name", sr_kernels.names())
def test_kernels_that_are_right_pass(name, device):
    assert agrees(name, device, torch.float16)


def wrong(op, change):
    def launch(*arguments):
        result = op.launch(*arguments)
        return change(result)

    return dataclasses.replace(op, launch=launch)


def fail(result):
    raise RuntimeError("an illegal instruction was encountered")


@pytest.mark.parametrize(
    "change",
    [lambda y: y * 1.05, lambda y: torch.full_like(y, float("nan")), fail],
    ids=["off by 5 %", "NaN", "fails"],
)
def test_a_kernel_that_is_wrong_is_named(change, device, monkeypatch):
    op = sr_kernels.op("gated_residual")
    monkeypatch.setattr(sr_kernels, "names", lambda: ["gated_residual", "pixel_shuffle_add"])
    real = sr_kernels.op
    broken = {"gated_residual": wrong(op, change)}
    monkeypatch.setattr(sr_kernels, "op", lambda name: broken.get(name) or real(name))

    assert failures(device, torch.float16) == ("gated_residual",)


def test_the_question_is_asked_once(device, monkeypatch):
    asked = []
    monkeypatch.setattr(_self_check, "agrees", lambda *question: asked.append(question) or True)

    assert failures(device, torch.float16) == failures(device, torch.float16) == ()

    assert len(asked) == len(sr_kernels.names())


def test_random_numbers_of_the_program_go_on_undisturbed(device):
    torch.manual_seed(5)
    expected = torch.rand(1)

    torch.manual_seed(5)
    agrees("gated_residual", device, torch.float16)

    assert torch.equal(torch.rand(1), expected)
