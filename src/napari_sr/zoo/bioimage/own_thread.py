"""Call functions in a thread that can be left behind, because nothing can end a call in it.

PyTorch cannot stop a TorchScript program. If the user cancels, the caller goes on, and the thread
computes until the program ends or Python ends.
"""

from __future__ import annotations

import threading
import weakref
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from napari_sr.zoo.cancelling import PAUSE, check_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class OwnThread:
    """Calls functions in a thread; each thread that calls has one of its own.

    PyTorch starts its helper threads anew for each thread that computes, so the thread is kept
    until the caller's thread ends.
    """

    def __init__(self) -> None:
        self._kept = threading.local()

    def call(self, function: Callable[..., Result], *args: Any) -> Result:
        """Return the result of a function, or raise its error.

        Raises
        ------
        CancelledError
            If the work of the calling thread is cancelled meanwhile.
        """
        check_cancelled()
        worker: _Worker | None = getattr(self._kept, "worker", None)
        worker = _Worker() if worker is None else worker
        self._kept.worker = None  # if this call is cancelled, the next one needs another thread
        call = _Call(function, args)
        worker.calls.put(call)
        while not call.ended.wait(PAUSE):
            check_cancelled()
        self._kept.worker = worker
        return call.answer()


class _Call(Generic[Result]):
    """A function and its arguments, and then its result or its error."""

    def __init__(self, function: Callable[..., Result], args: tuple[Any, ...]) -> None:
        self._function, self._args = function, args
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self.ended = threading.Event()

    def run(self) -> None:
        """Call the function."""
        try:
            self._results.append(self._function(*self._args))
        except BaseException as error:  # noqa: BLE001  # it is raised in the calling thread
            self._error = error
        self.ended.set()

    def answer(self) -> Result:
        """Return the result, or raise the error."""
        error, self._error = self._error, None
        if error is not None:
            raise error
        return self._results.pop()


class _Worker:
    """A thread that makes calls one after the other until this object is deleted."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        # the thread must not keep this object
        thread = threading.Thread(
            target=_work, args=(self.calls,), name="napari-sr program", daemon=True
        )
        thread.start()
        weakref.finalize(self, self.calls.put, None)


def _work(calls: SimpleQueue[_Call[Any] | None]) -> None:
    while (call := calls.get()) is not None:
        call.run()
        del call
