"""Functions are captured once and replayed; without a GPU, a recorder on the CPU does both."""

from __future__ import annotations

from threading import Thread

import pytest
import torch
from fake_recorder import CPU, FakeRecorder, FakeRecording
from torch import Tensor

from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.planning.devices import DEVICE_LOCK
from sr_kernels import launched, reset_launched, use_kernels
from sr_kernels._choice import count_launch

META = torch.device("meta")
DEVICES = [
    "cpu",
    *([pytest.param("cuda", marks=pytest.mark.gpu)] if torch.cuda.is_available() else []),
]


@pytest.fixture
def recorder():
    return FakeRecorder()


@pytest.fixture(params=DEVICES)
def device(request):
    return torch.device(request.param)


@pytest.fixture
def graphs(recorder, device):
    return Graphs(recorder=recorder if device == CPU else None)


def both(x, y):
    """Return two results; the second is computed from an intermediate result."""
    between = x * 2 + y
    return between.sin(), (between + 1).sum(dim=0)


def pair(*shape, device=CPU):
    return torch.randn(shape, device=device), torch.randn(shape, device=device)


def assert_right(results, tensors, function=both):
    for result, expected in zip(results, function(*tensors), strict=True):
        torch.testing.assert_close(result, expected)


def test_every_kind_of_call_gives_the_function_s_results(graphs, device):
    for _ in range(4):
        tensors = pair(3, 5, device=device)
        assert_right(graphs.run("both", both, tensors), tensors)

    assert graphs.tally == {"captured": 1, "replayed": 3, "refused": 0}


def test_a_replay_does_not_change_earlier_results(graphs, device):
    calls = [pair(4, 2, device=device) for _ in range(4)]

    results = [graphs.run("both", both, tensors) for tensors in calls]

    for result, tensors in zip(results, calls, strict=True):
        assert_right(result, tensors)


def test_a_replay_does_not_change_its_inputs(graphs, device):
    tensors = pair(4, 2, device=device)
    before = [tensor.clone() for tensor in tensors]
    for _ in range(3):
        graphs.run("both", both, tensors)

    assert all(torch.equal(*each) for each in zip(tensors, before, strict=True))


def test_other_shapes_have_graphs_of_their_own(graphs, device):
    for _ in range(3):
        for shape in [(3, 5), (5, 3), (2, 2)]:
            tensors = pair(*shape, device=device)
            assert_right(graphs.run("both", both, tensors), tensors)

    assert graphs.tally == {"captured": 3, "replayed": 6, "refused": 0}


def test_all_graphs_share_one_memory(recorder):
    graphs = Graphs(recorder=recorder)
    for shape in [(3, 5), (5, 3), (2, 2)]:
        for _ in range(2):
            graphs.run("both", both, pair(*shape))

    assert recorder.shared_with == [None, *recorder.recordings[:2]]


@pytest.mark.parametrize(
    "change",
    [Tensor.double, lambda x: x.t().contiguous().t()],
    ids=["dtype", "strides"],
)
def test_other_dtypes_and_strides_have_graphs_of_their_own(graphs, device, change):
    for _ in range(3):
        tensors = pair(3, 5, device=device)
        graphs.run("both", both, tensors)
        changed = [change(tensor) for tensor in tensors]
        results = graphs.run("both", both, changed)
        assert_right(results, changed)

    assert graphs.tally["captured"] == 2


def test_other_keys_and_other_kernels_have_graphs_of_their_own(graphs, device):
    tensors = pair(2, 3, device=device)
    for _ in range(3):
        assert_right(graphs.run("both", both, tensors), tensors)
        minus = graphs.run("minus", lambda x, y: (x - y,), tensors)
        torch.testing.assert_close(minus[0], tensors[0] - tensors[1])
        with use_kernels("reference"):
            graphs.run("both", both, tensors)

    assert graphs.tally["captured"] == 3


def test_a_tensor_that_is_returned_twice_is_copied_once(graphs, device):
    def twice(x):
        y = x + 1
        return y, y

    for _ in range(3):
        first, second = graphs.run("twice", twice, [torch.ones(2, device=device)])
        assert first is second
        assert torch.equal(first, torch.full((2,), 2.0, device=device))


def test_an_input_that_is_returned_is_copied_when_replayed(graphs, device):
    tensors = [torch.ones(2, device=device)]
    for _ in range(3):
        (result,) = graphs.run("same", lambda x: (x,), tensors)
        assert torch.equal(result, tensors[0])

    assert result is not tensors[0]
    assert result.data_ptr() != tensors[0].data_ptr()


def test_the_least_recently_used_graph_is_dropped(recorder):
    graphs = Graphs(max_graphs=2, recorder=recorder)

    def run(size):
        tensors = pair(size, 2)
        assert_right(graphs.run("both", both, tensors), tensors)
        return graphs.tally["captured"]

    assert [run(size) for size in (1, 1, 2, 2)] == [0, 1, 1, 2]
    assert run(1) == 2  # so that 2 is now the least recently used
    assert [run(size) for size in (3, 3)] == [2, 3]
    assert run(1) == 3
    assert run(2) == 4


def test_after_one_failed_capture_other_shapes_are_not_tried(recorder, monkeypatch):
    graphs = Graphs(recorder=recorder)
    kept = pair(5, 2)
    for _ in range(2):
        graphs.run("both", both, kept)
    attempts = []

    def record(*arguments):
        attempts.append(arguments)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(recorder, "record", record)

    for size in (2, 3, 4, 5):
        for _ in range(3):
            tensors = pair(size, 2)
            assert_right(graphs.run("both", both, tensors), tensors)

    assert len(attempts) == 1


def is_locked():
    """Return whether another thread would have to wait for the lock."""
    seen = []
    thread = Thread(target=lambda: seen.append(not DEVICE_LOCK.acquire(blocking=False)))
    thread.start()
    thread.join()
    if not seen[0]:
        pytest.fail("the lock was free")
    return True


def test_no_other_thread_uses_the_device_during_a_capture(recorder, monkeypatch):
    record, seen = recorder.record, []
    monkeypatch.setattr(recorder, "record", lambda *each: seen.append(is_locked()) or record(*each))
    graphs = Graphs(recorder=recorder)

    for _ in range(2):
        graphs.run("both", both, pair(2, 3))

    assert seen == [True]


def test_a_function_that_cannot_be_captured_runs_without_graphs(recorder, monkeypatch):
    graphs = Graphs(recorder=recorder)
    attempts = []

    def record(*arguments):
        attempts.append(arguments)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(recorder, "record", record)

    for _ in range(4):
        tensors = pair(2, 2)
        assert_right(graphs.run("both", both, tensors), tensors)

    assert len(attempts) == 1
    assert graphs.tally == {"captured": 0, "replayed": 0, "refused": 1}
    assert graphs.reasons == ("RuntimeError: operation not permitted when stream is capturing",)


def test_a_graph_with_other_results_is_not_used(recorder, monkeypatch):
    monkeypatch.setattr(FakeRecording, "replay", lambda self: self.forget())
    graphs = Graphs(recorder=recorder)

    for _ in range(3):
        tensors = pair(3, 5)
        assert_right(graphs.run("both", both, tensors), tensors)

    assert graphs.tally == {"captured": 0, "replayed": 0, "refused": 1}
    assert "the results of a replay differ" in graphs.reasons[0]


def test_an_error_of_the_function_is_not_hidden(recorder):
    graphs = Graphs(recorder=recorder)
    graphs.run("mistake", lambda x: (x,), [torch.ones(2)])

    with pytest.raises(TypeError, match="unsupported operand"):
        graphs.run("mistake", lambda x: (x + "1",), [torch.ones(2)])


def test_launches_are_counted_at_every_call(graphs, device):
    def launching(x):
        count_launch("bsconv")
        count_launch("bsconv")
        count_launch("esa_tail")
        return (x + 1,)

    reset_launched()
    for times in range(1, 5):
        graphs.run("launching", launching, [torch.ones(3, device=device)])
        assert launched() == {"bsconv": 2 * times, "esa_tail": times}


def test_launches_of_a_capture_that_failed_are_counted_once(recorder, monkeypatch):
    graphs = Graphs(recorder=recorder)

    def launching(x):
        count_launch("bsconv")
        return (x + 1,)

    def record(call, device, other):
        call()
        raise RuntimeError("no")

    monkeypatch.setattr(recorder, "record", record)
    reset_launched()
    for times in range(1, 4):
        graphs.run("launching", launching, [torch.ones(3)])
        assert launched() == {"bsconv": times}


def test_closing_drops_all_graphs_and_keeps_the_tally(graphs, device):
    for _ in range(2):
        graphs.run("both", both, pair(2, 2, device=device))

    graphs.close()

    tensors = pair(2, 2, device=device)
    assert_right(graphs.run("both", both, tensors), tensors)
    assert graphs.tally == {"captured": 1, "replayed": 1, "refused": 0}


def test_tensors_off_cuda_run_without_graphs():
    graphs = Graphs()
    assert not graphs.accepts(CPU, 1)

    for _ in range(3):
        tensors = pair(2, 2)
        assert_right(graphs.run("both", both, tensors), tensors)

    assert graphs.tally == {"captured": 0, "replayed": 0, "refused": 0}


def test_a_limit_of_no_graphs_is_refused():
    with pytest.raises(ValueError, match="max_graphs of at least 1, got max_graphs=0"):
        Graphs(max_graphs=0)


def test_a_function_that_reads_a_value_runs_without_graphs(device):
    graphs = Graphs()

    for value in (1.0, 2.0, 3.0):
        x = torch.full((4,), value, device=device)
        (result,) = graphs.run("reads", lambda x: (x * x.sum().item(),), [x])
        assert torch.equal(result, x * 4 * value)

    assert graphs.tally["captured"] == 0


def test_graphs_share_input_and_result_buffers(recorder):
    graphs = Graphs(recorder=recorder)
    for key in ("one", "other"):
        for _ in range(2):
            tensors = pair(4, 3)
            assert_right(graphs.run(key, both, tensors), tensors)

    # two inputs and the first result of 12 floats, the second result of 3
    assert graphs.tally["captured"] == 2
    assert graphs.bytes == 4 * (3 * 12 + 3)


def test_closing_frees_input_and_result_buffers(recorder):
    graphs = Graphs(recorder=recorder)
    for _ in range(2):
        graphs.run("both", both, pair(4, 3))
    recorder.recordings.clear()

    graphs.close()

    assert graphs.bytes == 0


def test_a_tensor_that_is_passed_twice_has_two_buffers(graphs, device):
    x = torch.randn(3, 2, device=device)
    for _ in range(2):
        graphs.run("both", both, (x, x))

    tensors = pair(3, 2, device=device)
    assert_right(graphs.run("both", both, tensors), tensors)


def test_borrowed_results_are_overwritten_by_the_next_run(graphs, device):
    calls = [pair(4, 2, device=device) for _ in range(4)]

    *_, before, last = (graphs.run("both", both, tensors, borrowed=True) for tensors in calls)

    assert_right(last, calls[-1])
    assert all(one.data_ptr() == other.data_ptr() for one, other in zip(before, last, strict=True))


def test_a_borrowed_result_may_enter_the_next_run(graphs, device):
    x = y = torch.randn(4, 4, device=device)
    for _ in range(5):
        (x,) = graphs.run("sine", lambda x: (x.sin(),), (x,), borrowed=True)
        y = y.sin()

    torch.testing.assert_close(x, y)


def test_tensors_elsewhere_are_computed_on_the_requested_device(graphs, device):
    for _ in range(3):
        tensors = pair(3, 5)
        results = graphs.run("both", both, tensors, device=device)
        assert all(result.device.type == device.type for result in results)
        assert_right([result.cpu() for result in results], tensors)

    assert graphs.tally["captured"] == 1


def test_tensors_elsewhere_are_moved_even_without_a_capture():
    (result,) = Graphs().run("double", lambda x: (x * 2,), [torch.ones(2)], device=META)

    assert result.device == META


def test_large_tiles_are_not_worth_a_graph(recorder):
    graphs = Graphs(pixels=12, recorder=recorder)

    assert graphs.accepts(CPU, 12)
    assert not graphs.accepts(CPU, 13)
