"""What every op promises, whatever it computes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from triton.runtime.interpreter import GridExecutor, InterpreterBuilder

import sr_kernels
from sr_kernels import launched, use_kernels

ON_GPU = torch.cuda.is_available()
SMALL = (1, 8, 5, 6)
SHAPES = [
    (2, 48, 7, 13),  # nothing divides anything
    (1, 50, 16, 16),
    (1, 8, 1, 1),
]
LARGE = (1, 64, 37, 53)
WITH_MASKS = [(1, 20, 9, 35), (1, 48, 4, 5)]
GUARD = 512
"""Elements before and after a buffer; more than a row of most kernels' blocks."""
ROUNDINGS = {torch.float32: 1.0, torch.float16: 0.5, torch.bfloat16: 1.0}
"""One rounding in eps; the interpreter cuts bfloat16 off instead of rounding it."""
CASES = [
    (dtype, shape)
    for dtype in ([torch.float16, torch.bfloat16] if ON_GPU else ROUNDINGS)
    # the interpreter is slow, and sizes matter alike in every dtype
    for shape in (SHAPES if ON_GPU or dtype == torch.float16 else SHAPES[:1])
]
GELU_ERROR = 5e-7
CHECKS = ["test_schema", "test_autograd_registration", "test_faketensor"]
if ON_GPU:  # slow; elsewhere the tests of gradients and of the export do nearly the same
    CHECKS.append("test_aot_dispatch_dynamic")


@pytest.fixture(params=sr_kernels.names())
def name(request):
    return request.param


@pytest.fixture
def op(name):
    return sr_kernels.op(name)


def example(op, shape, dtype, device):
    torch.manual_seed(0)
    return op.example(shape, dtype, device)


def with_tensors(arguments, change):
    return [change(value) if isinstance(value, Tensor) else value for value in arguments]


def all_of(results):
    return (results,) if isinstance(results, Tensor) else tuple(results)


def assert_same(results, expected):
    for result, wanted in zip(all_of(results), all_of(expected), strict=True):
        assert torch.equal(result, wanted)


def assert_agrees_with_float64(op, shape, dtype, device):
    arguments = example(op, shape, dtype, device)
    exact = all_of(op.reference(*with_tensors(arguments, Tensor.double)))
    rounded = all_of(op.reference(*arguments))

    results = all_of(op.public(*arguments))

    for result, wanted, usual in zip(results, exact, rounded, strict=True):
        assert (result.dtype, result.shape) == (usual.dtype, usual.shape)
        usual_error = (usual.double() - wanted).abs().max()
        rounding = ROUNDINGS[dtype] * torch.finfo(usual.dtype).eps * wanted.abs()
        error = (result.double() - wanted).abs()
        assert (error <= 2 * usual_error + rounding + GELU_ERROR).all(), error.max()


@pytest.mark.parametrize(("dtype", "shape"), CASES, ids=str)
@pytest.mark.usefixtures("kernels", "nan_in_new_memory")
def test_kernel_agrees_with_the_reference_in_float64(name, op, shape, dtype, device):
    assert_agrees_with_float64(op, shape, dtype, device)

    assert launched() == {name: 1}


@pytest.mark.usefixtures("kernels", "nan_in_new_memory")
def test_kernel_agrees_over_several_blocks_each_way(op, device):
    assert_agrees_with_float64(op, LARGE, torch.float16, device)


@pytest.mark.usefixtures("kernels")
def test_an_empty_batch_gives_an_empty_batch(op, device, dtype):
    arguments = example(op, (0, *SMALL[1:]), dtype, device)

    results = op.public(*arguments)

    assert [tuple(result.shape) for result in all_of(results)] == [
        tuple(result.shape) for result in all_of(op.reference(*arguments))
    ]
    assert launched() == {}


def channels_last(tensor):
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def with_holes(tensor):
    """Lay a tensor out with others' values between its own, in an order that is nobody's."""
    spaced = torch.full((*tensor.shape[::-1], 3), 7.0, dtype=tensor.dtype, device=tensor.device)
    spaced = spaced.permute(*range(tensor.ndim - 1, -1, -1), tensor.ndim)[..., 1]
    return spaced.copy_(tensor)


@pytest.mark.parametrize("layout", [channels_last, with_holes])
@pytest.mark.usefixtures("kernels")
def test_the_layout_of_arguments_does_not_matter(op, layout, device):
    arguments = example(op, (2, *SMALL[1:]), torch.float16, device)
    expected = op.public(*arguments)

    results = op.public(*with_tensors(arguments, layout))

    assert_same(results, expected)


def amid(value, size, strides, dtype, device):
    """Return a tensor whose neighbours in memory hold a value, and the buffer that it lies in."""
    length = 1 + sum((n - 1) * stride for n, stride in zip(size, strides, strict=True))
    buffer = torch.full((length + 2 * GUARD,), value, dtype=dtype, device=device)
    return buffer.as_strided(size, strides, GUARD), buffer


def amid_nan(tensor):
    strides = channels_last(tensor).stride()
    inner, _ = amid(float("nan"), tensor.shape, strides, tensor.dtype, tensor.device)
    return inner.copy_(tensor)


@pytest.fixture
def new_buffers(monkeypatch):
    """The buffers of all tensors that `torch.empty` and `torch.empty_like` make, amid infinity."""
    buffers = []

    def guard(make):
        def made(*arguments, **options):
            plain = make(*arguments, **options)
            like = (plain.shape, plain.stride(), plain.dtype, plain.device)
            inner, buffer = amid(float("inf"), *like)
            buffers.append(buffer)
            return inner

        return made

    for function in ("empty", "empty_like"):
        monkeypatch.setattr(torch, function, guard(getattr(torch, function)))
    return buffers


@pytest.mark.parametrize("shape", WITH_MASKS, ids=str)
def test_nothing_shows_that_lies_outside_a_buffer(op, shape, device, new_buffers):
    arguments = with_tensors(example(op, shape, torch.float16, device), amid_nan)
    new_buffers.clear()

    results = all_of(op.launch(*arguments))

    assert all(result.isfinite().all() for result in results)
    assert new_buffers
    for buffer in new_buffers:
        assert buffer[:GUARD].isinf().all() and buffer[-GUARD:].isinf().all()


def ends_of(tensor):
    """Return the addresses of a tensor's first and last element."""
    steps = ((n - 1) * stride for n, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), tensor.data_ptr() + sum(steps) * tensor.element_size()


@pytest.fixture
def astray(monkeypatch):
    """The accesses of interpreted kernels that lie in none of the tensors they were given."""
    given, found = [], []
    place = GridExecutor._init_args_hst

    def placed(self, *arguments):
        arguments, options = place(self, *arguments)
        given[:] = [ends_of(value) for value in arguments if isinstance(value, Tensor)]
        return arguments, options

    def checking(access):
        def checked(self, pointers, *arguments):
            # a store has a value before its mask
            mask = next(each.data for each in arguments if each.data.dtype == bool)
            inside = pointers.data[mask]
            if not any((first <= inside).all() and (inside <= last).all() for first, last in given):
                found.append((access.__name__, inside))
            return access(self, pointers, *arguments)

        return checked

    monkeypatch.setattr(GridExecutor, "_init_args_hst", placed)
    for function in ("create_masked_load", "create_masked_store"):
        access = getattr(InterpreterBuilder, function)
        monkeypatch.setattr(InterpreterBuilder, function, checking(access))
    return found


@pytest.mark.skipif(ON_GPU, reason="addresses are seen in Triton's interpreter only")
@pytest.mark.parametrize("shape", WITH_MASKS, ids=str)
def test_no_access_goes_astray(op, shape, astray):
    arguments = example(op, shape, torch.float16, torch.device("cpu"))

    op.launch(*arguments)

    assert astray == []


@pytest.mark.skipif(not ON_GPU, reason="Triton's interpreter runs one program after the other")
@pytest.mark.usefixtures("kernels")
def test_two_runs_give_the_same_bits(op, device):
    arguments = example(op, (2, 12, 9, 35), torch.float16, device)

    assert_same(op.public(*arguments), op.public(*arguments))


def wanting_gradients(arguments):
    return with_tensors(arguments, lambda tensor: tensor.clone().requires_grad_())


@pytest.mark.usefixtures("kernels")
def test_pytorch_finds_nothing_wrong_with_the_operator(name, op, device):
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    arguments = wanting_gradients(example(op, SMALL, dtype, device))
    operator = getattr(torch.ops.napari_sr, name).default

    torch.library.opcheck(operator, tuple(arguments), test_utils=CHECKS)


@pytest.mark.usefixtures("kernels")
def test_gradients_are_the_reference_s(op, device):
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    ours = wanting_gradients(example(op, SMALL, dtype, device))
    theirs = wanting_gradients(example(op, SMALL, dtype, device))
    expected = all_of(op.reference(*theirs))
    slopes = [torch.randn_like(result) for result in expected]
    torch.autograd.backward(expected, slopes)

    torch.autograd.backward(all_of(op.public(*ours)), slopes)

    for mine, its in zip(ours, theirs, strict=True):
        if isinstance(mine, Tensor):
            torch.testing.assert_close(mine.grad, its.grad)


class Network(torch.nn.Module):
    """Whatever calls an op."""

    def __init__(self, op):
        super().__init__()
        self.op = op

    def forward(self, *arguments):
        return self.op.public(*arguments)


def any_size(value):
    return {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO} if value.ndim == 4 else {}


@pytest.mark.usefixtures("kernels")
def test_what_is_exported_keeps_the_operator_and_takes_other_sizes(name, op, device):
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    arguments = tuple(example(op, (1, 8, 6, 8), dtype, device))
    sizes = tuple(any_size(value) if isinstance(value, Tensor) else None for value in arguments)
    others = example(op, (1, 8, 8, 7), dtype, device)

    program = torch.export.export(Network(op), arguments, dynamic_shapes=(sizes,))

    targets = {str(node.target) for node in program.graph.nodes}
    assert f"napari_sr.{name}.default" in targets
    assert_same(program.module()(*others), op.public(*others))


def test_vmap_computes_as_one_by_one(op, device):
    first, *rest = example(op, SMALL, torch.float16, device)
    firsts = torch.stack([first, first * 2, -first])

    with use_kernels("triton"):
        results = all_of(torch.vmap(lambda x: op.public(x, *rest))(firsts))
        expected = [all_of(op.public(x, *rest)) for x in firsts]

    for index, result in enumerate(results):
        assert_same(result, torch.stack([each[index] for each in expected]))


def test_costs_are_counted_and_grow_with_the_images(op):
    shapes = ((1, 8, 12, 12), (2, 8, 24, 24))
    small, large = (example(op, shape, torch.float16, torch.device("cpu")) for shape in shapes)

    assert 0 < op.bytes_moved(*small) < op.bytes_moved(*large)
    assert 0 < op.flops(*small) < op.flops(*large)
