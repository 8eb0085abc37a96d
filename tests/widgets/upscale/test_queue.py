import pytest

from napari_sr.widgets.upscale.queue import PendingRun, RunQueue


def runs(count):
    return [PendingRun(f"layer {number}", None, {}, {}) for number in range(count)]


def test_runs_come_in_their_order_and_say_where_they_are():
    queue = RunQueue()
    queue.fill(runs(2))

    first = queue.next()
    place = queue.place
    second = queue.next()

    assert (first.layer, place, second.layer, queue.place) == (
        "layer 0",
        "1 of 2: ",
        "layer 1",
        "2 of 2: ",
    )
    assert queue.waiting == 0
    with pytest.raises(IndexError):
        queue.next()


def test_a_single_run_needs_no_place_and_no_summary():
    queue = RunQueue()
    queue.fill(runs(1))
    queue.next()
    queue.add_result("result")

    assert (queue.place, queue.summary) == ("", "")


def test_the_summary_counts_results_and_names_failures():
    queue = RunQueue()
    queue.fill(runs(3))
    queue.add_result("one")
    queue.add_failure("cells", "it has infinite values")

    assert queue.summary == "Done: 1 of 3 layers. Failed: cells: it has infinite values"

    queue.fill(runs(2))

    assert queue.summary == "Done: 0 of 2 layers"


def test_cancelling_forgets_the_runs_that_wait():
    queue = RunQueue()
    queue.fill(runs(3))
    queue.next()
    queue.add_result("one")

    queue.cancel()

    assert queue.waiting == 0
    assert queue.summary == "Cancelled. Done: 1 of 3 layers"
