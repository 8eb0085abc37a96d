"""A generator in a background thread: the same values, one thread, a lower priority."""

from __future__ import annotations

import os
import sys
import threading

import pytest
import torch

from napari_sr.engine.execution import background as module
from napari_sr.engine.execution.background import NICENESS, in_background


def priority():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def watched(seen, context=lambda: None):
    """Yield 0 and 1 and return 2; record the threads that compute and close the generator."""
    try:
        for number in range(2):
            seen.append((threading.get_ident(), context()))
            yield number
        return 2
    finally:
        seen.append((threading.get_ident(), "closed"))


def values_of(steps):
    values = []
    while True:
        try:
            values.append(next(steps))
        except StopIteration as end:
            return values, end.value


def test_steps_and_result_are_the_same_and_come_from_one_other_thread():
    seen = []

    assert values_of(in_background(watched(seen))) == ([0, 1], 2)

    [thread] = {one for one, _ in seen}
    assert thread != threading.get_ident()


def test_closing_in_the_middle_closes_the_steps_in_their_thread():
    seen = []
    steps = in_background(watched(seen))

    next(steps)
    steps.close()

    assert [what for _, what in seen] == [None, "closed"]
    assert len({thread for thread, _ in seen}) == 1


def test_an_error_is_passed_on_unchanged():
    def fails():
        raise MemoryError("no")

    with pytest.raises(MemoryError, match="no"):
        values_of(in_background(watched([], fails)))


def test_its_thread_ends_with_it():
    before = set(threading.enumerate())

    values_of(in_background(watched([])))

    # threads of other tests may have ended meanwhile
    assert set(threading.enumerate()) - before == set()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own there")
def test_the_thread_and_those_it_starts_have_low_priority_and_the_callers_does_not():
    def inherited():
        found = []
        thread = threading.Thread(target=lambda: found.append(priority()))
        thread.start()
        thread.join()
        return priority(), found[0]

    seen, before = [], priority()

    values_of(in_background(watched(seen, inherited)))

    lower = min(before + NICENESS, 19)
    assert seen[0][1] == (lower, lower)
    assert priority() == before


def test_on_other_systems_one_core_is_left_free_and_later_used_again(monkeypatch):
    monkeypatch.setattr(module, "PRIORITIES_ARE_INHERITED", False)
    usual = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        seen = []
        values_of(in_background(watched(seen, torch.get_num_threads)))
        after = torch.get_num_threads()
    finally:
        torch.set_num_threads(usual)

    assert (seen[0][1], after) == (2, 3)
