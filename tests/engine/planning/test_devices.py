from __future__ import annotations

from threading import Thread

import pytest
import torch

from napari_sr.engine.planning import devices


def test_the_cpu_is_always_there_and_last():
    assert devices.available()[-1][0] == "cpu"
    assert devices.choose_device("cpu") == torch.device("cpu")
    assert str(devices.choose_device("auto")).startswith(devices.available()[0][0].split(":")[0])


def test_an_absent_device_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"no device 'cuda:99'; choose 'auto' or .*'cpu'"):
        devices.choose_device("cuda:99")


def test_auto_is_float32_off_cuda_and_other_names_are_used_as_given():
    cpu = torch.device("cpu")

    assert devices.choose_precision("auto", cpu) == torch.float32
    assert devices.choose_precision("bfloat16", cpu) == torch.bfloat16
    with pytest.raises(ValueError, match="got 'double'"):
        devices.choose_precision("double", cpu)


def test_a_precision_that_the_network_lacks_becomes_float32():
    cpu = torch.device("cpu")

    assert devices.choose_precision("float16", cpu, ("float32", "bfloat16")) == torch.float32
    assert devices.choose_precision("bfloat16", cpu, ("float32", "bfloat16")) == torch.bfloat16


@pytest.mark.parametrize(
    ("capability", "able", "expected"),
    [
        ((9, 0), ("float32", "float16", "bfloat16"), torch.float16),
        ((9, 0), ("float32", "bfloat16"), torch.bfloat16),
        ((7, 5), ("float32", "bfloat16"), torch.float32),
        ((6, 1), ("float32", "float16"), torch.float32),
    ],
    ids=str,
)
def test_auto_on_cuda_is_the_fastest_that_device_and_network_can(
    capability, able, expected, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)

    assert devices.choose_precision("auto", torch.device("cuda:0"), able) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 2 bytes"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("size mismatch"), False),
        (ValueError("out of memory"), False),
    ],
    ids=str,
)
def test_running_out_of_memory_is_distinguished_from_other_errors(error, expected):
    assert devices.is_out_of_memory(error) is expected


def test_a_real_allocation_that_is_too_large_counts_as_out_of_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)

    assert devices.is_out_of_memory(caught.value)


def test_out_of_memory_is_not_a_runtime_error_which_workers_would_lose():
    assert not issubclass(devices.OutOfMemoryError, RuntimeError)
    assert devices.free_memory(torch.device("cpu")) > 0


def test_an_error_while_releasing_memory_is_ignored(monkeypatch):
    calls = []

    def fail():
        calls.append(True)
        raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")

    monkeypatch.setattr(torch.cuda, "empty_cache", fail)

    devices.release(torch.device("cuda", 0))

    assert calls


def test_memory_is_not_released_while_another_thread_captures(monkeypatch):
    acquired = []

    def try_lock():
        thread = Thread(target=lambda: acquired.append(devices.DEVICE_LOCK.acquire(blocking=False)))
        thread.start()
        thread.join()

    monkeypatch.setattr(torch.cuda, "empty_cache", try_lock)

    devices.release(torch.device("cuda", 0))

    assert acquired == [False]
