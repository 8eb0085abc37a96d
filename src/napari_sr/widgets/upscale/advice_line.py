"""A line that says whether the chosen model suits the layer, with a button for a better one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.latest import Latest
from napari_sr.zoo import registry

if TYPE_CHECKING:
    from napari_sr.advice.advise import Advice
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.source import Source

PAUSE = 300
"""Milliseconds without a change of the form, after which advice is computed."""


class AdviceLine(QWidget):
    """Advice on the chosen layer; a thread reads a few windows of it."""

    wanted = Signal(str, int)
    """Emitted with the family and the scale of a model that the user takes over."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = WrappedLabel(lines=1, cut=True)
        self.use = QPushButton("Use")
        self._latest = Latest(self, pause=PAUSE)
        self._latest.told.connect(self._take)
        self._asked: tuple[Any, ...] | None = None
        self._advice: Advice | None = None
        self._chosen: ChosenModel | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.label, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.use)
        # hidden, it keeps its place, so that nothing below moves
        policy = self.use.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.use.setSizePolicy(policy)
        self.use.clicked.connect(self._want)
        self._show()

    def follow(
        self,
        source: Source | None,
        chosen: ChosenModel | None,
        values: tuple[float, float] | Percentiles | None,
    ) -> None:
        """Advise on another layer or scale, or compare the advice with another model.

        Parameters
        ----------
        source : Source, optional
            The chosen layer, if it can be upscaled.
        chosen : ChosenModel, optional
            The chosen model.
        values : (low, high) or Percentiles, optional
            Black and white.
        """
        self._chosen = chosen
        if source is None or chosen is None:
            self.forget()
            return
        asked = (id(source.data), source.axes, chosen.scale, values)
        if asked != self._asked:
            self.forget()
            self._asked = asked
            self._latest.ask(_advised, source, chosen.scale, values)
        self._show()

    def forget(self) -> None:
        """Drop the advice, because the layer's pixels are others now or the form closes."""
        self._latest.forget()
        self._asked = self._advice = None
        self._show()

    def _take(self, answer: Advice | Exception) -> None:
        if self._asked is not None:
            # images that are too small or hold no numbers get no advice
            self._advice = None if isinstance(answer, Exception) else answer
            self._show()

    def _show(self) -> None:
        """Say whether the chosen model suits."""
        advice, chosen = self._advice, self._chosen
        self.use.setVisible(False)
        if advice is None or chosen is None:
            self.label.say("")
            self._explain("")
            return
        better = registry.find(advice.model)
        own = chosen.entry
        against = "" if own is None else advice.against(own.name)
        suits = own is not None and not own.computed and not against
        if suits or (own is not None and own.family == better.family):
            self.label.say("Suits this image.")
            self._explain(advice.reason)
            return
        self.label.say(f"Advised: {better.title}")
        self._explain(" ".join(filter(None, (advice.reason, f"{against}." if against else ""))))
        self.use.setVisible(True)
        self.use.setToolTip(f"Choose {better.title}.\n{advice.reason}")

    def _explain(self, reason: str) -> None:
        self.label.setToolTip(reason)
        self.setAccessibleDescription(reason)

    def _want(self) -> None:
        if self._advice is not None:
            found = registry.find(self._advice.model)
            self.wanted.emit(found.family, found.scale)


def _advised(
    source: Source, scale: int, values: tuple[float, float] | Percentiles | None
) -> Advice:
    """Advise in a thread."""
    from napari_sr.advice.advise import advise  # brings scientific libraries

    return advise(source.data, scale=scale, axes=source.axes, value_range=values)
