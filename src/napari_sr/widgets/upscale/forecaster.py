"""Forecasts in a thread: one at a time, and only for the form's current settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from qtpy.QtCore import QObject, QTimer, Signal

from napari_sr.runs.forecast import Forecast, forecast_all
from napari_sr.widgets.common.worker import send_on_errand

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.runs.run import Request

_Question: TypeAlias = "tuple[list[Request], Path | None]"
PAUSE = 200
"""Milliseconds that the form must stay unchanged before a forecast starts."""


class Forecaster(QObject):
    """Computes forecasts in a thread; a newer request replaces the one that waits."""

    told = Signal(object)
    """Emitted with a `Forecast`, or with the exception that explains why there is none."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: _Question | None = None
        self._asked: _Question | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._send)

    def ask(self, requests: list[Request], folder: Path | None = None) -> None:
        """Ask for a forecast; `told` is emitted unless another request follows.

        Parameters
        ----------
        requests : list of Request
            Images, model and settings, one for each layer.
        folder : Path, optional
            An existing folder that will hold the result; by default, the result stays in memory.
        """
        self._wanted = requests, folder
        self._pause.start()

    def forget(self) -> None:
        """Cancel the pending request."""
        self._wanted = None
        self._pause.stop()

    def _send(self) -> None:
        if self._wanted is None or self._asked is not None:
            return
        self._asked = self._wanted
        send_on_errand(forecast_all, *self._asked, returned=self._answer, errored=self._answer)

    def _answer(self, answer: Forecast | Exception) -> None:
        current = self._asked is self._wanted
        self._asked = None
        if current:
            self._wanted = None
            self.told.emit(answer)
        else:
            self._send()
