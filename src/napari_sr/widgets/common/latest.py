"""Call functions in a thread, one at a time; only the newest request is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_sr.widgets.common.worker import send_on_errand

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 60
"""Default milliseconds without another request after which a function is called."""


class Latest(QObject):
    """Calls functions in a thread; a newer request replaces the one that waits.

    Parameters
    ----------
    parent : QObject, optional
    pause : int
        Milliseconds without another request after which a function is called.
    engine : bool
        Whether functions may import torch, see `worker.send_on_errand`.
    """

    told = Signal(object)
    """Emitted with the function's result, or with the exception that it raised."""

    def __init__(
        self, parent: QObject | None = None, *, pause: int = PAUSE, engine: bool = True
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._wanted: tuple[Any, ...] | None = None
        self._asked: tuple[Any, ...] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(pause)
        self._pause.timeout.connect(self._send)

    @property
    def waits(self) -> bool:
        """Whether a request was not sent to the thread yet."""
        return self._pause.isActive()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return self.waits or self._asked is not None

    def ask(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function in a thread; `told` is emitted unless another request follows."""
        self._wanted = function, *args
        self._pause.start()

    def forget(self) -> None:
        """Cancel the pending request."""
        self._wanted = None
        self._pause.stop()

    def _send(self) -> None:
        if self._wanted is not None and self._asked is None:
            self._asked = self._wanted
            slots = {"returned": self._answer, "errored": self._answer}
            send_on_errand(*self._asked, engine=self._engine, **slots)

    def _answer(self, answer: object) -> None:
        current = self._asked is self._wanted
        self._asked = None
        if current:
            self._wanted = None
            self.told.emit(answer)
        else:
            self._send()
