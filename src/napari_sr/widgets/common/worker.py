"""Threads for forms: long runs with a bar in napari's activity dock, and short tasks."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils import cancelable_progress
from qtpy.QtCore import QThreadPool
from superqt.utils import FunctionWorker
from superqt.utils import create_worker as create_quiet_worker

from napari_sr.runs.first_import import import_engine
from napari_sr.zoo.cancelling import CancelledError, cancelled_if

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_sr.runs.job import Step


class StoppedError(Exception):
    """A run was ended by code that asked Python to exit."""


class _EndsQuietly:
    """Ignores the error in a worker whose signals were deleted with the window.

    The error would end the process, because Qt calls `run`.
    """

    def run(self) -> None:
        """Run the worker."""
        with suppress(RuntimeError):  # "wrapped C/C++ object ... has been deleted"
            super().run()  # type: ignore[misc]  # of the worker's other base


class ThreadCall(_EndsQuietly, FunctionWorker[Any]):
    """A worker for a short function."""


class _Quit:
    """Ends a worker, if it still exists.

    napari's list of tasks keeps this until its window closes, so it must not keep the worker.
    """

    def __init__(self, method: Callable[[], object]) -> None:
        self._method = WeakMethod(method)

    def __call__(self, *_: object) -> None:
        """Call the worker's own method."""
        # the garbage collector may have emptied this before Qt deletes a form, and calls it
        known = getattr(self, "_method", None)
        method = None if known is None else known()
        if method is not None:
            method()


class RunWorker(_EndsQuietly, GeneratorWorker):  # type: ignore[misc]  # napari has no types
    """A worker that closes its generator in the worker's thread, which frees the memory.

    Otherwise, napari's list of tasks would keep an aborted generator until the window closes.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.quit = _Quit(super().quit)

    def work(self) -> Any:
        """Drive the generator to its end, or until `quit` is called."""
        import_engine()
        from napari_sr.engine.execution.background import in_background

        # the GUI thread has priority
        self._gen = in_background(self._gen)  # type: ignore[has-type]  # napari has no types
        try:
            with cancelled_if(lambda: self.abort_requested):
                return super().work()
        except CancelledError:  # inside a step: `work` cancels only between two steps
            self.aborted.emit()
            return None
        except (KeyboardInterrupt, SystemExit) as error:
            # in a thread of Qt, these errors would end napari
            raise StoppedError(f"the run was ended by {type(error).__name__}") from error
        finally:
            self._gen.close()

    def pause(self) -> None:
        """Pause before the next step, unless `resume` is called first."""
        self._resume_requested = False
        self._pause_requested = True

    def resume(self) -> None:
        """Continue; unlike superqt's method, also cancel a pause that has not begun yet."""
        self._pause_requested = False
        self._resume_requested = True

    def _relay_error(self, error: Exception) -> None:
        """Do nothing: forms show errors. napari's method notifies only with some Qt bindings."""

    def _relay_warning(self, details: tuple[Any, ...]) -> None:
        """Do nothing, as in `_relay_error`."""


def create_run(
    function: Callable[..., Generator[Any, None, Any]], *args: Any, **slots: Callable[..., object]
) -> RunWorker:
    """Return a worker for a generator; it is not started yet.

    Parameters
    ----------
    function : callable
        Returns the generator.
    *args
        Arguments of `function`.
    **slots
        Functions by signal: yielded, returned, errored, warned, aborted, finished, paused, resumed.
    """
    worker: RunWorker = create_worker(
        function, *args, _start_thread=False, _connect=slots, _worker_class=RunWorker
    )
    return worker


def call_in_thread(
    function: Callable[..., object], *args: Any, engine: bool = True, **slots: Any
) -> None:
    """Call a function in a thread, for which napari does not wait when it is closed.

    Parameters
    ----------
    function : callable
        A short function; it cannot be cancelled.
    *args
        Arguments of the function.
    engine : bool
        Whether the function may import torch; if so, torch is imported first.
    **slots
        Functions by signal: returned and errored.
    """
    call = (_with_engine, function) if engine else (function,)
    create_quiet_worker(*call, *args, _connect=slots, _worker_class=ThreadCall)


def _with_engine(function: Callable[..., object], *args: Any) -> object:
    pool = QThreadPool.globalInstance()
    if pool is not None:
        pool.releaseThread()  # importing takes seconds; meanwhile, another thread may start
    try:
        import_engine()
    finally:
        if pool is not None:
            pool.reserveThread()
    return function(*args)


def forget_locals(error: BaseException | None) -> None:
    """Free the local variables in an error's tracebacks; keep file names and lines."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


class ActivityBar(cancelable_progress):  # type: ignore[misc]  # napari has no types
    """A bar in napari's activity dock, whose Cancel button ends the run.

    Qt handles events while the bar is created or updated, so a slot must do either of them last.

    Parameters
    ----------
    name : str
        The label of the bar.
    cancel : callable
        Ends the run.
    """

    def __init__(self, name: str, cancel: Callable[[], object]) -> None:
        self._end_run = cancel
        self._name = name
        self._paused: float | None = None
        super().__init__(desc=name)

    def cancel(self) -> None:
        """End the run; napari calls this when its Cancel button is pressed."""
        super().cancel()
        self._end_run()

    def show(self, step: Step) -> None:
        """Show the run's progress."""
        self.total = step.total
        self.update(step.done - self.n)

    def show_paused(self, paused: bool) -> None:
        """Show whether the run is paused; a pause does not count in the bar's times."""
        now = time.time()  # tqdm's clock
        if self._paused is not None:
            self.start_t += now - self._paused
            self.last_print_t += now - self._paused
        self._paused = now if paused else None
        self.set_description(f"{self._name}, paused" if paused else self._name)
