"""The button that shows where a result disagrees with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton

from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.common.worker import create_run, forget_locals

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image
    from qtpy.QtWidgets import QWidget

    from napari_sr.evaluation.consistency import Check
    from napari_sr.runs.job import Step
    from napari_sr.widgets.common.worker import RunWorker
    from napari_sr.widgets.compare.check_map import Checked

CHECK = "Check against source"
_TIP = (
    "Shrink the result again, and add a layer that shows how it differs from its source.\n"
    "Detail so fine that shrinking removes it cannot be checked: it may be invented."
)


class CheckButton(QPushButton):
    """A button that adds the map of differences between a result and its source.

    It is hidden until a result is offered, and disabled without the result's source. While the map
    is computed, it cancels the check.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layers.
    add : callable
        Takes viewer, check, layers and source, as `check_map.add_map` does; adds the map.
    """

    told = Signal(str)
    """Emitted with the figures in words, or with the reason why there are none."""

    def __init__(
        self,
        viewer: ViewerModel,
        add: Callable[..., object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(CHECK, parent)
        # napari may pass a proxy of the viewer, whose layers are proxies that live for one call
        self._viewer: ViewerModel = unwrapped(viewer)
        self._add = add
        self._offered: tuple[ref[Image], ref[Image]] | None = None
        self._source = ""
        self._worker: RunWorker | None = None
        self._checked: Checked | None = None
        give_icon(self, "check")
        self.setToolTip(_TIP)
        self.clicked.connect(self._press)
        self.setVisible(False)

    def offer(self, source: Image, result: Image) -> None:
        """Offer to check a result."""
        self.clear()
        self._offered = ref(unwrapped(source)), ref(unwrapped(result))
        self._source = source.name
        self.follow_layers()
        self.setVisible(True)

    def clear(self) -> None:
        """Offer nothing, and cancel the check that is in progress."""
        self._offered = None
        self.setVisible(False)
        if self._worker is not None:
            self._worker.quit()

    def follow_layers(self) -> None:
        """Hide the button if the result was removed; disable it while its source is missing."""
        if self._offered is None:
            return
        source, result = (one() for one in self._offered)
        layers = self._viewer.layers
        if result is None or result not in layers:
            self.clear()
            return
        missing = source is None or source not in layers
        if missing and self._worker is not None:
            self._worker.quit()
        self.setEnabled(not missing)
        reason = f"The source {self._source} was removed: there is nothing to check against."
        self.setToolTip(reason if missing else _TIP)

    @property
    def is_running(self) -> bool:
        """Whether a map is being computed."""
        return self._worker is not None

    def _press(self) -> None:
        if self._worker is not None:
            self._worker.quit()
            return
        source, result = (None, None) if self._offered is None else (one() for one in self._offered)
        layers = self._viewer.layers
        if source is None or result is None or source not in layers or result not in layers:
            self.told.emit("The result or its source was removed: there is nothing to check.")
            return
        from napari_sr.widgets.compare.check_map import Checked  # it would delay the form

        try:
            self._checked = Checked.of(result, source)
        except ValueError as error:
            self.told.emit(error_in_words(error))
            return
        self._begin(self._checked)

    def _begin(self, checked: Checked) -> None:
        worker = create_run(
            checked.steps,
            yielded=self._show_progress,
            returned=self._show,
            errored=self._show_error,
            finished=self._end,
        )
        self._worker = worker
        self.destroyed.connect(worker.quit)
        self.setText("Cancel the check")
        give_icon(self, "cancel")
        worker.start()

    def _show_progress(self, step: Step) -> None:
        if self._worker is not None and not self._worker.abort_requested:
            self.setText(f"Cancel the check ({step.done / max(step.total, 1):.0%})")

    def _show(self, found: Check) -> None:
        source = None if self._offered is None else self._offered[0]()
        if source is None or self._checked is None or source not in self._viewer.layers:
            return
        self._add(self._viewer, found, self._checked, source)
        self.told.emit(found.in_words())

    def _show_error(self, error: Exception) -> None:
        self.told.emit(error_in_words(error))
        forget_locals(error)

    def _end(self, *_: Any) -> None:
        self._worker, self._checked = None, None
        self.setText(CHECK)
        give_icon(self, "check")
