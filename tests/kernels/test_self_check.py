from __future__ import annotations

import subprocess
import threading
import time

import pytest
import torch

import sr_kernels
from sr_kernels import _self_check, distrusted, launched, reset_launched
from sr_kernels._op import sizes_of
from sr_kernels._self_check import forget_verdicts, launch_checked
from sr_kernels._triton import INTERPRETED, triton

if INTERPRETED:
    from triton.runtime import interpreter

NAME = "gated_residual"


@pytest.fixture(autouse=True)
def asked_again():
    forget_verdicts()
    reset_launched()
    yield
    forget_verdicts()


@pytest.fixture
def op():
    return sr_kernels.op(NAME)


def example(op, device, shape=(1, 8, 9, 10), dtype=torch.float16):
    torch.manual_seed(0)
    return op.example(shape, dtype, device)


def call(op, arguments, launch=None):
    return launch_checked(NAME, op.reference, launch or op.launch, arguments)


@pytest.mark.parametrize("name", sr_kernels.names())
def test_kernels_that_are_right_pass(name, device):
    op = sr_kernels.op(name)
    arguments = example(op, device, (1, 48, 5, 20))

    launch_checked(name, op.reference, op.launch, arguments)

    assert launched() == {name: 1}
    assert distrusted(device) == {}


def test_the_kernel_s_own_result_is_returned_and_counted(op, device):
    arguments = example(op, device)

    first, second = call(op, arguments), call(op, arguments)

    assert torch.equal(first, op.launch(*arguments))
    assert torch.equal(first, second)
    assert launched() == {NAME: 2}
    assert distrusted(device) == {}


@pytest.mark.parametrize(
    "change",
    [lambda y: y * 1.05, lambda y: torch.full_like(y, float("nan"))],
    ids=["off by 5 %", "NaN"],
)
def test_a_kernel_that_is_wrong_never_gives_a_result(op, device, change):
    arguments = example(op, device)
    launches = []

    def launch(*given):
        launches.append(given)
        return change(op.launch(*given))

    results = [call(op, arguments, launch) for _ in range(3)]

    assert all(torch.equal(result, op.reference(*arguments)) for result in results)
    assert len(launches) == 1
    assert launched() == {}
    assert distrusted(device) == {NAME: "its results differ from the reference's"}


RAISED = [
    RuntimeError("an illegal instruction was encountered"),
    subprocess.CalledProcessError(1, ["gcc", "main.c"]),
    FileNotFoundError(2, "No such file or directory", "/sbin/ldconfig"),
    AssertionError("libcuda.so cannot found!"),
    AssertionError(),
    triton.runtime.errors.OutOfResources(300_000, 232_448, "shared memory"),
    ImportError("DLL load failed while importing main"),
    KeyError("sm_121"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_a_compiler_or_driver_raises_the_reference_computes(op, device, error):
    arguments = example(op, device)

    def launch(*given):
        raise error

    assert torch.equal(call(op, arguments, launch), op.reference(*arguments))
    reason = distrusted(device)[NAME]
    assert reason.startswith(type(error).__name__)
    assert len(reason) <= _self_check.WORDS + 40


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), MemoryError(), torch.OutOfMemoryError("CUDA out of memory.")]
)
def test_ctrl_c_and_memory_go_on_to_those_who_know_what_to_do(op, device, error):
    def launch(*given):
        raise error

    with pytest.raises(type(error)):
        call(op, example(op, device), launch)

    assert distrusted(device) == {}


def test_every_binary_is_checked_once(op, device, monkeypatch):
    compared = []
    compare = _self_check._compare
    monkeypatch.setattr(
        _self_check, "_compare", lambda *each: compared.append(each) or compare(*each)
    )

    def run(shape, dtype=torch.float16):
        before = len(compared)
        call(op, example(op, device, shape, dtype))
        return len(compared) - before

    assert run((1, 16, 9, 10)) == 1
    assert run((1, 16, 11, 13)) == 0  # another size of the same binary
    assert run((1, 24, 9, 10)) == 1
    assert run((1, 16, 9, 10), torch.bfloat16) == 1
    assert run((1, 16, 32, 48)) == 1  # sizes that 16 divides
    assert run((1, 16, 48, 16)) == 0


@pytest.mark.parametrize("name", ["esa_tail", "esa_moments", "esa_mix", "contrast_gate"])
def test_one_check_holds_wherever_a_tile_lies(name, device):
    op = sr_kernels.op(name)
    *arguments, last = example(op, device, (1, 16, 8, 9))
    sizes = sizes_of(op.launch)
    assert sizes

    for more in (0, 1, 16):
        values = [*arguments, last]
        moved = [value + more if at in sizes else value for at, value in enumerate(values)]
        launch_checked(name, op.reference, op.launch, moved, sizes)

    assert len(_self_check._verdicts) == 1


def test_numbers_that_make_other_binaries_are_no_sizes():
    sizes = sizes_of(sr_kernels.op("conv3x3").launch)

    assert sizes == frozenset()


def test_a_size_beyond_32_bits_is_another_binary():
    signatures = {_self_check._signature((size, 3), {0}) for size in (5, 2**31 - 1, 2**31)}

    assert len(signatures) == 2


def test_a_tensor_at_an_odd_address_is_another_binary(op, device):
    x, gate, residual = example(op, device)
    shifted = torch.empty(x.numel() + 1, dtype=x.dtype, device=device)[1:].view_as(x).copy_(x)

    call(op, (x, gate, residual))
    call(op, (shifted, gate, residual))

    assert len(_self_check._verdicts) == 2


@pytest.mark.skipif(not INTERPRETED, reason="the interpreter's launches can be looked at")
@pytest.mark.parametrize("channels", [16, 50, 64])
@pytest.mark.parametrize("name", sr_kernels.names())
def test_what_is_checked_is_what_runs_at_every_size(name, channels, monkeypatch):
    """Sizes of one signature are launched with the same constants, and so run the same binary."""
    op, met = sr_kernels.op(name), {}

    def look(executor, *_, **constants):
        met.setdefault(signature, []).append((executor.fn.__name__, constants))

    monkeypatch.setattr(interpreter.GridExecutor, "__call__", look)
    for size in ((9, 70), (41, 70), (301, 130), (1025, 130)):
        arguments = op.example((1, channels, *size), torch.float16, torch.device("cpu"))
        signature = _self_check._signature(arguments, sizes_of(op.launch))
        before = met.pop(signature, None)
        op.launch(*arguments)
        assert before in (None, met[signature])


@pytest.mark.parametrize("name", ["conv3x3", "pointwise_sum"])
def test_a_part_that_is_read_where_it_lies_is_another_binary(name):
    """From one pixel, or output, to the next is a constant of these kernels."""
    op = sr_kernels.op(name)
    x, weight, *others = example(op, torch.device("cpu"), (1, 16, 9, 10))
    x = x.contiguous(memory_format=torch.channels_last)
    wider = torch.cat((x, x), 1)[:, :16], torch.cat((weight, weight), 1)[:, :16]
    given = (wider[0], weight) if name == "conv3x3" else (x, wider[1])

    one, other = (_self_check._signature((*each, *others), ()) for each in ((x, weight), given))

    assert one != other


def test_an_image_beyond_32_bits_is_another_binary():
    kinds = {
        _self_check._kind(torch.empty((1, 64, height, 8192), device="meta"))
        for height in (1024, 2048, 8192)
    }

    assert len(kinds) == 2


def test_a_sum_beyond_the_type_says_nothing_of_the_kernel(op, device):
    x, gate, residual = example(op, device)
    arguments = (x * 60_000, gate, residual)

    result = call(op, arguments)

    assert torch.equal(result, op.reference(*arguments))
    assert _self_check._verdicts == {}
    assert distrusted(device) == {}


def test_nothing_is_looked_at_inside_a_capture(op, monkeypatch):
    arguments = example(op, torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    key = (NAME, torch.device("cuda", 0), ())

    result = _self_check._first(key, op.reference, lambda *given: pytest.fail("ran"), arguments)

    assert torch.equal(result, op.reference(*arguments))
    assert _self_check._verdicts == {}


def test_several_threads_come_to_one_verdict(op, device, monkeypatch):
    arguments, results, compared = example(op, device), [], []
    compare = _self_check._compare

    def slow(*each):
        compared.append(each)
        time.sleep(0.02)
        return compare(*each)

    monkeypatch.setattr(_self_check, "_compare", slow)
    # the interpreter runs one kernel at a time, a GPU takes them from all threads
    threads = [
        threading.Thread(target=lambda: results.append(call(op, arguments, op.reference)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(compared) == 1
    assert len(results) == 4
    assert all(torch.equal(result, results[0]) for result in results)
    assert launched() == {NAME: 4}


def test_a_thread_that_waited_launches_no_kernel_that_failed_meanwhile(op, device, monkeypatch):
    arguments = example(op, device)
    monkeypatch.setitem(_self_check._reasons, (str(device), NAME), "it failed")
    key = (NAME, device, ())

    result = _self_check._first(key, op.reference, lambda *given: pytest.fail("ran"), arguments)

    assert torch.equal(result, op.reference(*arguments))
