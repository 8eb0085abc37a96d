"""Asks for forecasts in a thread, one at a time, and only for what the form shows last."""

from __future__ import annotations

from typing import TypeAlias

from qtpy.QtCore import QObject, QTimer, Signal

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model_list import Choice
from napari_sr.widgets.common.source import Source
from napari_sr.widgets.common.worker import send_on_errand
from napari_sr.widgets.upscale.forecast import Forecast, forecast

Question: TypeAlias = tuple[Source, Choice, Settings]

PAUSE = 200
"""Milliseconds without a change before a forecast is asked for."""


class Forecaster(QObject):
    """Answers the last of many questions that come faster than answers."""

    told = Signal(object)
    """A `Forecast`, or the exception that says why there is none."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: Question | None = None
        self._asked: Question | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._send)

    def ask(self, source: Source, choice: Choice, settings: Settings) -> None:
        """Ask what a run would take; `told` follows unless another question does."""
        self._wanted = (source, choice, settings)
        self._pause.start()

    def forget(self) -> None:
        """Cancel the pending request."""
        self._wanted = None
        self._pause.stop()

    def _send(self) -> None:
        if self._wanted is None or self._asked is not None:
            return
        self._asked = self._wanted
        send_on_errand(forecast, *self._asked, returned=self._answer, errored=self._answer)

    def _answer(self, answer: Forecast | Exception) -> None:
        current = self._asked is self._wanted
        self._asked = None
        if current:
            self._wanted = None
            self.told.emit(answer)
        else:
            self._send()
