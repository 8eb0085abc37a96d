"""Calls in a thread that is left behind if the user cancels."""

from __future__ import annotations

import gc
import threading

import pytest

from napari_sr.zoo import cancelling
from napari_sr.zoo.bioimage.own_thread import OwnThread

PATIENCE = 20
"""Seconds after which a wait counts as failed."""


def test_results_and_errors_come_from_one_other_thread():
    own = OwnThread()
    with pytest.raises(ValueError, match="invalid literal"):
        own.call(int, "x")
    names = [own.call(threading.get_ident) for _ in range(2)]

    assert names[0] == names[1] != threading.get_ident()
    assert own.call(divmod, 7, 2) == (3, 1)


def test_a_call_that_does_not_end_is_left_when_it_is_cancelled():
    own, go_on, begun = OwnThread(), threading.Event(), threading.Event()

    def endless():
        begun.set()
        go_on.wait(PATIENCE)
        return threading.get_ident()

    with cancelling.cancelled_if(begun.is_set), pytest.raises(cancelling.CancelledError):
        own.call(endless)

    assert not go_on.is_set()
    assert own.call(divmod, 7, 2) == (3, 1)  # in another thread
    go_on.set()


def test_its_thread_ends_with_it():
    own = OwnThread()
    thread = own.call(threading.current_thread)

    del own
    gc.collect()
    thread.join(PATIENCE)

    assert not thread.is_alive()
