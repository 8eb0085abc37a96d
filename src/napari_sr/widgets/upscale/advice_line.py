"""Lines that say whether the chosen model suits the layer, with a button to choose a better one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_sr.advice.remarks import GREY_ONLY
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.latest import Latest
from napari_sr.zoo import registry
from napari_sr.zoo.training_facts import OWN

if TYPE_CHECKING:
    from napari_sr.advice.advise import Advice
    from napari_sr.advice.remarks import Remark
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.source import Source

PAUSE = 300
"""Time without a change of the form before advice is computed, in milliseconds."""
AGAIN = 1000
"""Time from a change of pixels in place to new advice, in milliseconds. Further changes do not
extend it."""
CLEAR = 2.5
"""Another model is named if it is forecast to be better by more than this, in dB. Forecast gains
are wrong by about 1.8 dB (RMS)."""
LINES = 2
"""Lines reserved for the advice, so that fields seldom move when it arrives. Four would push the
last button out of a window 740 pixels high; longer advice takes the lines that it needs."""
SUITS = "Suits this image."
COMPARING = "Comparing models for this image …"
"""What the line says until the first advice, if that takes a while."""


class AdviceLine(QWidget):
    """Advice on the chosen layer; a thread reads a few windows of it."""

    wanted = Signal(str, int)
    """Emitted with family and scale of the advised model, when the user presses Use."""
    changed = Signal(object)
    """Emitted with new advice, or with None if there is no longer any."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = WrappedLabel(lines=LINES)
        self.use = QPushButton("Use")
        self._latest = Latest(self, pause=PAUSE, waiting=COMPARING)
        self._latest.answered.connect(self._take)
        self._latest.slow.connect(self._wait)
        self._waiting = ""
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(AGAIN)
        self._again.timeout.connect(self._ask_again)
        self._asked: tuple[Any, ...] | None = None
        self._request: tuple[Any, ...] = ()
        self._advice: Advice | None = None
        self._chosen: ChosenModel | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.label, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.use, 0, Qt.AlignmentFlag.AlignTop)
        self.use.clicked.connect(self._want)
        self._show()

    def follow(
        self,
        source: Source | None,
        chosen: ChosenModel | None,
        values: tuple[float, float] | Percentiles | None,
        pixel_size: float | None = None,
    ) -> None:
        """Ask for advice if pixels, scale or values have changed; judge the chosen model by it.

        Parameters
        ----------
        source : Source, optional
            The chosen layer, or a slice of it, if it can be upscaled.
        chosen : ChosenModel, optional
            The chosen model.
        values : (low, high) or Percentiles, optional
            Black and white.
        pixel_size : float, optional
            Side of the layer's pixels in micrometres.
        """
        self._chosen = chosen
        if source is None or chosen is None:
            self.forget()
            return
        asked = (id(source.data), source.axes, source.plane, chosen.scale, pixel_size, values)
        if self._asked is None or asked[:-1] != self._asked[:-1]:
            self.forget()  # if only black or white changed, the old advice stays meanwhile
        if asked != self._asked:
            self._asked, self._request = asked, (source, chosen.scale, values, pixel_size)
            self._ask()
        self._show()

    def renew(self) -> None:
        """Advise again, because pixels were changed in place; show the old advice until then."""
        if self._asked is not None and not self._latest.waits and not self._again.isActive():
            self._again.start()

    def forget(self) -> None:
        """Remove the advice, because the layer has other pixels now, or the form is closed."""
        self._latest.forget()
        self._again.stop()
        self._asked, self._request = None, ()
        self._waiting = ""
        self._set(None)

    def _ask(self) -> None:
        self._latest.ask(_advised, *self._request)

    def _ask_again(self) -> None:
        if self._latest.is_busy:
            self._again.start()  # asking now would discard the answer to the pending request
        else:
            self._ask()

    def _wait(self, waiting: str) -> None:
        """Say that the first advice takes a while; old advice stays."""
        self._waiting = waiting
        self._show()

    def _take(self, answer: Advice | Exception) -> None:
        self._waiting = ""
        if self._asked is not None:
            # images that are too small or contain no numbers get no advice
            self._set(None if isinstance(answer, Exception) else answer)

    def _set(self, advice: Advice | None) -> None:
        other = advice != self._advice
        self._advice = advice
        self._show()
        if other:
            self.changed.emit(advice)

    def _show(self) -> None:
        """Show whether the chosen model suits the layer, and further remarks."""
        advice, chosen = self._advice, self._chosen
        self.use.setVisible(False)
        if advice is None or chosen is None:
            self._say(self._waiting, "")
            return
        better, facts = registry.find(advice.model), chosen.model.training(chosen.scale)
        told = _remarks(advice, chosen)
        against = [remark for remark in told if remark.against]
        verdict, reasons = SUITS, [advice.reason]
        if chosen.model.name != better.family:  # the reason speaks of the advised model
            reasons = [f"Advised: {better.title}. {advice.reason}"]
        if against:
            verdict = f"Unsuitable: {against[0].short}. Advised: {better.title}"
        elif chosen.model.training().images == OWN:
            verdict = "Suits images like its training images."
        elif not advice.judges(facts):
            verdict = f"Not judged by the advice. Advised of the others: {better.title}"
        elif chosen.model.name != better.family and not _may_suit(chosen):
            verdict = f"Advised: {better.title}"
        elif chosen.model.name != better.family and advice.behind(facts) > CLEAR:
            verdict = f"May suit; about {advice.behind(facts):.0f} dB better: {better.title}"
        if verdict == SUITS and any(remark.short == GREY_ONLY for remark in told):
            verdict = "Suits the brightness of this image."
        self.use.setVisible(verdict.endswith(better.title))
        self.use.setToolTip(f"Choose {better.title}.\n{advice.reason}")
        reasons += [f"{remark.sentence}." for remark in told]
        also = [remark.short for remark in (*told, *advice.remarks) if not remark.against]
        more = f"Note: {'; '.join(also)}." if also else ""
        self._say("\n".join(filter(None, (verdict, more))), " ".join((*reasons, *advice.warnings)))

    def _say(self, text: str, reason: str) -> None:
        self.label.say(text)
        self.label.setToolTip(reason)
        self.setAccessibleDescription(reason)

    def _want(self) -> None:
        if self._advice is not None:
            found = registry.find(self._advice.model)
            self.wanted.emit(found.family, found.scale)


def _remarks(advice: Advice, chosen: ChosenModel) -> tuple[Remark, ...]:
    """Return remarks on the chosen model, and on the second model of a blend."""
    told = advice.on(chosen.model.title, chosen.model.training(chosen.scale))
    return told if chosen.second is None else (*told, *_remarks(advice, chosen.second))


def _may_suit(chosen: ChosenModel) -> bool:
    """Return whether a model suits if no remark speaks against it.

    Interpolation does not, nor does a model if the noise in its training images is unknown.
    """
    return not chosen.model.computed and chosen.model.training(chosen.scale).noise is not None


def _advised(
    source: Source,
    scale: int,
    values: tuple[float, float] | Percentiles | None,
    pixel_size: float | None,
) -> Advice:
    """Return advice; call this in a thread."""
    from napari_sr.advice.advise import advise  # late: imports scientific libraries

    return advise(
        source.pixels, scale=scale, axes=source.axes, value_range=values, pixel_size=pixel_size
    )
