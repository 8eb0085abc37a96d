"""What registering an op gives: a choice, an operator, a backward, a vmap rule."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sr_kernels import launched, reset_launched, use_kernels
from sr_kernels._op import register


def reference(x: Tensor, factor: Tensor | None, power: int) -> tuple[Tensor, Tensor]:
    """Return a power times a factor, and its mean per channel."""
    y = x**power if factor is None else x**power * factor
    return y, y.mean(dim=(2, 3))


def launch(x: Tensor, factor: Tensor | None, power: int) -> tuple[Tensor, Tensor]:
    """Stand for a kernel: the same, with a mark that tells it apart."""
    y, mean = reference(x + 1000, factor, power)
    return y.contiguous(memory_format=torch.channels_last), mean


@pytest.fixture(scope="module")
def compute():
    library = "pretended_op"
    return register(library, reference, launch)


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.rand(2, 3, 4, 5)


def test_the_chosen_one_computes_and_is_counted(compute, x):
    reset_launched()

    plain = compute(x, None, 2)
    with use_kernels("triton"):
        fused = compute(x, None, 2)

    torch.testing.assert_close(plain, reference(x, None, 2))
    torch.testing.assert_close(fused, reference(x + 1000, None, 2))
    assert launched() == {"pretended_op": 1}


def test_gradients_are_the_reference_s(compute, x):
    factor = torch.rand(3, 1, 1, requires_grad=True)
    wanted = reference(x, factor, 2)[0].sum() + reference(x, factor, 2)[1].sum()
    expected = torch.autograd.grad(wanted, factor)

    with use_kernels("triton"):
        y, mean = compute(x, factor, 2)
    found = torch.autograd.grad(y.sum() + mean.sum(), factor)

    torch.testing.assert_close(found, expected)


def test_an_unused_result_has_no_gradient_to_give(compute, x):
    x.requires_grad_()

    with use_kernels("triton"):
        y, _ = compute(x, None, 2)
    (found,) = torch.autograd.grad(y.sum(), x)

    torch.testing.assert_close(found, 2 * x)


def test_vmap_computes_as_one_by_one(compute, x):
    factors = torch.rand(6, 3, 1, 1)

    with use_kernels("triton"):
        y, mean = torch.vmap(lambda factor: compute(x, factor, 2))(factors)

    assert y.shape == (6, 2, 3, 4, 5)
    torch.testing.assert_close(mean[5], launch(x, factors[5], 2)[1])


def test_what_is_compiled_keeps_the_operator_and_chooses_when_it_runs(compute, x):
    compiled = torch.compile(lambda x: compute(x, None, 2), backend="eager", fullgraph=True)

    plain = compiled(x)
    with use_kernels("triton"):
        fused = compiled(x)

    assert plain[0].max() < 1000 < fused[0].min()
    assert plain[0].is_contiguous(memory_format=torch.channels_last)
