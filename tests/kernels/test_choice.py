"""When a kernel computes, and when the reference."""

from __future__ import annotations

import threading

import pytest
import torch

from sr_kernels import _choice, launched, reset_launched, use_kernels
from sr_kernels._choice import (
    add_launched,
    chosen,
    count_launch,
    launches_apart,
    runs_fused,
)


@pytest.fixture(autouse=True)
def _no_word(monkeypatch):
    monkeypatch.delenv("NAPARI_SR_KERNELS", raising=False)
    _choice._obstacle.cache_clear()
    yield
    _choice._obstacle.cache_clear()


@pytest.fixture
def compiled(monkeypatch):
    """A machine whose kernels are compiled, not interpreted."""
    monkeypatch.setattr(_choice, "INTERPRETED", False)


def tensor(dtype=torch.float16, **options):
    return torch.ones(2, dtype=dtype, **options)


class Pretended:
    """What `runs_fused` reads of a tensor that lies on a GPU."""

    requires_grad = False
    device = torch.device("cuda", 0)

    def __init__(self, dtype=torch.float16):
        self.dtype = dtype

    def numel(self):
        return 1


@pytest.fixture
def capability(monkeypatch, compiled):
    def pretend(major, minor):
        monkeypatch.setattr(_choice, "_capability", lambda index: (major, minor))

    return pretend


def test_a_recent_gpu_runs_kernels_in_half_precision(capability):
    capability(8, 0)

    assert runs_fused(Pretended(torch.float16)) and runs_fused(Pretended(torch.bfloat16))
    assert not runs_fused(Pretended(torch.float32))


def test_statistics_may_be_float32_beside_half_precision(capability):
    capability(9, 0)

    assert runs_fused(Pretended(torch.float32), Pretended(torch.float16))
    assert not runs_fused(Pretended(torch.float64), Pretended(torch.float16))


def test_an_old_gpu_runs_the_reference(capability):
    capability(7, 5)

    assert not runs_fused(Pretended())
    with (
        use_kernels("triton"),
        pytest.raises(RuntimeError, match=r"cuda:0 has compute capability \(7, 5\)"),
    ):
        runs_fused(Pretended())


def test_training_runs_the_reference(capability):
    capability(9, 0)
    weight = Pretended()
    weight.requires_grad = True

    assert not runs_fused(Pretended(), weight)
    with torch.no_grad():
        assert runs_fused(Pretended(), weight)


def test_the_innermost_word_counts(monkeypatch):
    monkeypatch.setenv("NAPARI_SR_KERNELS", "reference")

    with use_kernels("triton"):
        with use_kernels("auto"):
            assert chosen() == "auto"
        assert chosen() == "triton"
    assert chosen() == "reference"


def test_without_any_word_it_is_auto():
    assert chosen() == "auto"


def test_unknown_words_are_refused(monkeypatch):
    with (
        pytest.raises(ValueError, match=r"auto, reference, triton, got 'cuda'"),
        use_kernels("cuda"),
    ):
        pass
    monkeypatch.setenv("NAPARI_SR_KERNELS", "fast")
    with pytest.raises(ValueError, match=r"NAPARI_SR_KERNELS takes .* got 'fast'"):
        chosen()


def test_a_thread_does_not_inherit_the_word():
    found = []
    with use_kernels("triton"):
        thread = threading.Thread(target=lambda: found.append(chosen()))
        thread.start()
        thread.join()

    assert found == ["auto"]


def test_the_interpreter_runs_only_when_asked_for(monkeypatch):
    monkeypatch.setattr(_choice, "INTERPRETED", True)

    assert not runs_fused(tensor())
    with use_kernels("triton"):
        assert runs_fused(tensor(torch.float32))
    with use_kernels("reference"):
        assert not runs_fused(tensor())


def test_nothing_is_launched_on_an_empty_tensor():
    with use_kernels("triton"):
        assert not runs_fused(tensor()[:0], tensor())


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([tensor()], "are on cpu, not on a CUDA device"),
        ([tensor(), tensor(device="meta")], "several devices: cpu, meta"),
    ],
)
def test_triton_where_it_cannot_run_is_an_error(compiled, tensors, message):
    with use_kernels("triton"), pytest.raises(RuntimeError, match=message):
        runs_fused(*tensors)
    assert not runs_fused(*tensors)


def test_triton_where_it_is_not_installed_is_an_error(monkeypatch):
    monkeypatch.setattr(_choice, "HAS_TRITON", False)

    with use_kernels("triton"), pytest.raises(RuntimeError, match="Triton is not installed"):
        runs_fused(tensor())
    assert not runs_fused(tensor())


def test_launches_of_all_threads_are_counted():
    reset_launched()
    threads = [threading.Thread(target=count_launch, args=("bsconv",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert launched() == {"bsconv": 8}
    reset_launched()
    assert launched() == {}


def test_launches_apart_are_counted_when_they_are_added():
    reset_launched()

    with launches_apart() as counts:
        count_launch("bsconv")
        count_launch("bsconv")
        seen_inside = launched()
    add_launched(counts)
    add_launched(counts)
    count_launch("bsconv")

    assert counts == {"bsconv": 2}
    assert seen_inside == {}
    assert launched() == {"bsconv": 5}


def test_another_thread_s_launches_are_not_counted_apart():
    reset_launched()

    with launches_apart() as counts:
        thread = threading.Thread(target=count_launch, args=("bsconv",))
        thread.start()
        thread.join()

    assert counts == {}
    assert launched() == {"bsconv": 1}
