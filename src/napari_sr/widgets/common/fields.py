"""The fields that forms have in common, their layout, and the frame around a wrong field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from napari_sr.widgets.common.device_box import DeviceBox
from napari_sr.widgets.common.focus import wrong_style
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.more import More
from napari_sr.widgets.common.required import RequiredFields
from napari_sr.widgets.common.rows import add_rows
from napari_sr.widgets.common.scroll import ScrolledForm
from napari_sr.widgets.common.value_range import RangeChooser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_PAUSE = "Pause the run. Finished tiles stay in memory until you resume it."
_RESUME = "Continue the run."


class TaskFields(ScrolledForm):
    """Buttons, progress bar and status of a form that runs a task; no logic.

    Parameters
    ----------
    run, stop : str
        Texts of the two buttons.
    icons : (str, str)
        Names of the buttons' icons.
    status_lines : int
        Number of lines reserved for the status, so that the widgets below it do not move.
    """

    def __init__(
        self,
        run: str,
        stop: str,
        *,
        icons: tuple[str, str] = ("run", "cancel"),
        status_lines: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.run, self.stop = QPushButton(run), QPushButton(stop)
        for button, icon in zip((self.run, self.stop), icons, strict=True):
            give_icon(button, icon)
        self.pause: QPushButton | None = None
        """The button that replaces `run` during a run, if the run can be paused."""
        self.status = WrappedLabel(lines=status_lines)
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress")
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        self.below: list[QWidget] = []
        """Widgets below the status, which show the outcome of a task."""

    def reveal_status(self) -> None:
        """Scroll to the buttons and the status."""
        self.reveal(self.stop, self.status)

    def reveal_outcome(self) -> None:
        """Scroll to the status and to all that is shown below it."""
        self.reveal(self.status, *self.below)

    def explain(self, reason: str) -> None:
        """Show a reason below the field in use, if the status, which has it, is not in view."""
        used = self.focusWidget()
        if used is not None and used.hasFocus() and not self.is_in_view(self.status):
            QToolTip.showText(used.mapToGlobal(QPoint(0, used.height())), reason, used)

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Frame the named fields; this class has none, so it does nothing."""

    def show_running(self, running: bool) -> None:
        """Enable the buttons for the state (running or not), and show the bar during a run."""
        self.stop.setEnabled(running)
        self.bar.setVisible(running)
        self.bar.setRange(0, 0)
        if self.pause is not None:
            self._exchange(running, self.run, self.pause)
        if running:
            self.run.setEnabled(False)

    def _exchange(self, running: bool, run: QPushButton, pause: QPushButton) -> None:
        """Show the button for the state instead of the other one, and keep the keyboard focus."""
        shown, hidden = (pause, run) if running else (run, pause)
        window = self.window()
        focused = window is not None and window.focusWidget() is hidden
        self.show_pausing(False)
        pause.setEnabled(running)
        shown.setVisible(True)
        if focused:  # otherwise the focus would go to the button that cancels
            shown.setEnabled(True)
            shown.setFocus()
        hidden.setVisible(False)

    def show_cancelling(self) -> None:
        """Disable the buttons of a run, because it ends soon."""
        self.stop.setEnabled(False)
        if self.pause is not None:
            self.pause.setEnabled(False)

    def show_pausing(self, pausing: bool) -> None:
        """Show Resume instead of Pause, if the run is paused or will pause after this tile."""
        if self.pause is not None:
            self.pause.setText("Resume" if pausing else "Pause")
            give_icon(self.pause, "run" if pausing else "pause")
            self.pause.setToolTip(_RESUME if pausing else _PAUSE)

    def show_progress(self, done: int, total: int) -> None:
        """Update the bar; with a total of 0, the bar only shows activity."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)


class RunFields(TaskFields):
    """Fields, buttons and lines of text of a form that runs a network; no logic.

    Parameters
    ----------
    run, stop, icons, status_lines
        As for `TaskFields`.
    """

    def __init__(
        self,
        run: str,
        stop: str,
        *,
        icons: tuple[str, str] = ("run", "cancel"),
        status_lines: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(run, stop, icons=icons, status_lines=status_lines, parent=parent)
        self.values = RangeChooser()
        self.device = DeviceBox()
        self.aside: list[QWidget] = []
        """Further buttons, left of Run and Cancel."""
        self.more = More(self)
        self.rows = QFormLayout()
        """The rows of fields."""
        self._tips: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._required = RequiredFields()

    def arrange(
        self,
        rows: Iterable[tuple[str, QWidget]],
        above: Iterable[QWidget] = (),
        below: Iterable[QWidget] = (),
        more: Iterable[tuple[str, QWidget]] = (),
    ) -> None:
        """Lay out all fields, which must exist by now, and show that no run is in progress.

        Parameters
        ----------
        rows : iterable of (str, QWidget)
            Labels and fields; a field without a label spans both columns.
        above, below : iterable of QWidget
            Widgets directly above the buttons, and below the status.
        more : iterable of (str, QWidget)
            Rows that are hidden until the user opens More.
        """
        fields = self.rows
        fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        further = list(more)
        add_rows(fields, rows)
        if further:
            add_rows(fields, [("", self.more)])
            self.more.hold(fields, further)
        else:
            self.more.hide()
        buttons = QHBoxLayout()
        for button in (*self.aside, self.run, self.pause, self.stop):
            if button is not None:
                buttons.addWidget(button)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addLayout(fields)
        for shown in above:
            layout.addWidget(shown)
        layout.addLayout(buttons)
        self.below = list(below)
        for shown in (self.bar, self.status, *self.below):
            layout.addWidget(shown)
        layout.addStretch()
        self.hold(layout, inside)
        self._tips = {name: field.toolTip() for name, field in self.checked().items()}
        self.show_running(False)

    def checked(self) -> dict[str, QWidget]:
        """Return the fields whose values are checked, by name."""
        return {}

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Frame the named fields, unless they are still empty, each with the reason as tooltip."""
        for name, field in self.checked().items():
            wrong = name in problems
            # leave the tooltip alone if the field has changed it
            if wrong or field.toolTip() == self._problems.get(name):
                field.setToolTip(problems.get(name, self._tips[name]))
            framed = self._required.is_wrong(name, field, wrong)
            style = wrong_style(type(field).__name__) if framed else ""
            if field.styleSheet() != style:  # setting a style sheet takes 4 ms
                field.setStyleSheet(style)
                if framed and self.more.holds(field):
                    self.more.open()
        if problems and problems != self._problems:
            self.explain(next(iter(problems.values())))
        elif self._problems and not problems:
            QToolTip.hideText()
        self._problems = dict(problems)
