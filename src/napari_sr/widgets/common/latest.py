"""Call functions in a thread, one at a time; only the newest request is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_sr.widgets.common.worker import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 60
"""Default time without another request before a function is called, in milliseconds."""
SLOW = 500
"""Time after which an answer counts as slow, in milliseconds."""


class Latest(QObject):
    """Calls functions in a thread; a newer request replaces a waiting one.

    Parameters
    ----------
    parent : QObject, optional
    pause : int
        Time without another request before a function is called, in milliseconds.
    engine : bool
        Whether functions may import torch, see `worker.call_in_thread`.
    waiting : str
        What a form says meanwhile if the answer is slow.
    """

    answered = Signal(object)
    """Emitted with the function's result, or with the exception that it raised."""
    slow = Signal(str)
    """Emitted with `waiting` if there is no answer `SLOW` after the first request."""

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        pause: int = PAUSE,
        engine: bool = True,
        waiting: str = "",
    ) -> None:
        super().__init__(parent)
        self._engine, self._waiting = engine, waiting
        self._wanted: tuple[Any, ...] | None = None
        self._asked: tuple[Any, ...] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(pause)
        self._pause.timeout.connect(self._send)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(SLOW)
        self._late.timeout.connect(self._announce)

    @property
    def waits(self) -> bool:
        """Whether a request has not been sent to the thread yet."""
        return self._pause.isActive()

    @property
    def is_busy(self) -> bool:
        """Whether a request is waiting or being computed."""
        return self.waits or self._asked is not None

    def ask(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function in a thread; `answered` is emitted unless another request follows."""
        self._wanted = function, *args
        self._pause.start()
        if not self._late.isActive():
            self._late.start()

    def forget(self) -> None:
        """Cancel the pending request."""
        self._wanted = None
        self._pause.stop()
        self._late.stop()

    def _send(self) -> None:
        if self._wanted is not None and self._asked is None:
            self._asked = self._wanted
            slots = {"returned": self._answer, "errored": self._answer}
            call_in_thread(*self._asked, engine=self._engine, **slots)

    def _announce(self) -> None:
        self.slow.emit(self._waiting)

    def _answer(self, answer: object) -> None:
        current = self._asked is self._wanted
        self._asked = None
        if current:
            self._wanted = None
            self._late.stop()
            self.answered.emit(answer)
        else:
            self._send()
