"""What registering an op gives: a choice, an operator, a backward, a vmap rule."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from sr_kernels import _op, launched, reset_launched, use_kernels
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


class Watching(TorchDispatchMode):
    """Remembers the operators that are called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.fixture
def dispatched(monkeypatch):
    """Count calls that come to the kernel through PyTorch's dispatcher."""
    calls = []
    needs_none = _op.is_unwatched

    def watched(tensors):
        calls.append(not needs_none(tensors))
        return not calls[-1]

    monkeypatch.setattr(_op, "is_unwatched", watched)
    return calls


def test_in_inference_a_kernel_is_launched_without_the_dispatcher(compute, x, dispatched):
    with use_kernels("triton"):
        expected = compute(x, None, 2)
        with torch.inference_mode():
            found = compute(x, None, 2)

    assert dispatched == [True, False]
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert found[0].stride() == expected[0].stride()


def test_a_pytorch_that_cannot_tell_who_watches_dispatches(compute, x, dispatched, monkeypatch):
    monkeypatch.setattr(_op, "_CAN_TELL", False)

    with use_kernels("triton"), torch.inference_mode():
        compute(x, None, 2)

    assert dispatched == [True]


def test_modes_see_the_operator_in_inference_too(compute, x):
    with use_kernels("triton"), torch.inference_mode(), Watching() as watching:
        compute(x, None, 2)

    assert watching.names[0] == "napari_sr.pretended_op.default"


class Overriding(TorchFunctionMode):
    """A mode that notes which functions are called."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


def test_modes_that_override_functions_see_the_operator_in_inference_too(compute, x):
    with use_kernels("triton"), torch.inference_mode(), Overriding() as overriding:
        compute(x, None, 2)

    assert "napari_sr.pretended_op.default" in overriding.seen


def test_profilers_see_the_operator_in_inference_too(compute, x):
    with (
        use_kernels("triton"),
        torch.inference_mode(),
        torch.autograd.profiler.profile(use_kineto=True) as profile,
    ):
        compute(x, None, 2)

    assert "napari_sr::pretended_op" in {event.name for event in profile.function_events}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_traces_have_the_operator_in_inference_too(compute, x):
    with use_kernels("triton"), torch.inference_mode():
        traced = torch.jit.trace(lambda x: compute(x, None, 2)[0], x, check_trace=False)

    assert "napari_sr::pretended_op" in str(traced.graph)


def test_vmap_in_inference_computes_as_one_by_one(compute, x):
    factors = torch.rand(6, 3, 1, 1)

    with use_kernels("triton"), torch.inference_mode():
        y, _ = torch.vmap(lambda factor: compute(x, factor, 2))(factors)

    torch.testing.assert_close(y[5], launch(x, factors[5], 2)[0])


def test_tensors_without_data_get_results_without_data(compute):
    with use_kernels("triton"), torch.inference_mode():
        with FakeTensorMode():
            x = torch.rand(2, 3, 4, 5)
        y, _ = compute(x, None, 2)

    assert type(y) is type(x)
