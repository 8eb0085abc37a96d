"""Three buttons that compare two layers, and a line of text with a hint."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.compare.comparison import comparison_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.widgets.compare.comparison import Comparison

_BUTTONS = {
    "slider": ("Slider", 'A line in the image, with "before" on the left, "after" on the right.'),
    "side by side": ("Side by side", 'Two views that move together: "before" and "after".'),
    "blink": ("Blink", 'Shows "after"; hold B to see "before".'),
}

IDLE = "Both layers are shown in the canvas until you press the button again, or Esc."


class _Owner:
    """Owner of a comparison on behalf of a row, until Qt deletes the row.

    When Qt deletes the row, it calls a method of this object, not a `partial`: the garbage
    collector may empty a `partial` before Qt calls it, and then Python crashes.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        comparison.join(self)

    def leave(self, *_: object) -> None:
        """Leave the comparison."""
        self._comparison.leave(self)


class CompareRow(QWidget):
    """The buttons slider, side by side and blink, for two layers that `offer` sets.

    The row is hidden until layers are set, and again if one of them is removed.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layers.
    always : bool
        Whether the buttons stay visible without layers.
    lines : int
        Number of lines reserved for the hint, so that widgets below it do not move.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        *,
        always: bool = False,
        lines: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._comparison = comparison_of(viewer)
        self._always = always
        self._offered: tuple[ref[Image], ref[Image]] | None = None
        self._owner = _Owner(self._comparison)
        self.buttons = {mode: QPushButton(text) for mode, (text, _) in _BUTTONS.items()}
        self.turn = QPushButton("Turn line")
        self.hint = WrappedLabel(lines=lines)
        self._lay_out()
        self._comparison.changed.connect(self._show)
        self._comparison.removed.connect(self._forget_removed)
        # Qt may delete the form around the row without calling any of its methods
        self.destroyed.connect(self._owner.leave)
        self._show()
        self.setVisible(always)

    def offer(self, before: Image, after: Image) -> None:
        """Set the layers to compare; if this row compares other layers, that comparison ends."""
        pair = unwrapped(before), unwrapped(after)
        if self.is_on and self._comparison.pair != pair:
            self._comparison.stop_for(self._owner)
        self._offered = ref(pair[0]), ref(pair[1])
        self._show()
        self.setVisible(True)

    def clear(self) -> None:
        """Forget the layers, and end the comparison that this row started."""
        self._offered = None
        self._comparison.stop_for(self._owner)
        self._show()
        self.setVisible(self._always)

    def pair(self) -> tuple[Image | None, Image | None]:
        """Return the layers that were set, without those that no longer exist."""
        if self._offered is None:
            return None, None
        return self._offered[0](), self._offered[1]()

    @property
    def is_on(self) -> bool:
        """Whether this row started the comparison that is shown."""
        return self._comparison.owner is self._owner

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        for mode, button in self.buttons.items():
            button.setCheckable(True)
            button.setToolTip(_BUTTONS[mode][1])
            button.setAccessibleName(f"Compare: {button.text()}")
            give_icon(button, mode)
            button.setAccessibleDescription(_BUTTONS[mode][1])
            button.clicked.connect(partial(self._press, mode))
            row.addWidget(button)
        self.turn.setToolTip("Make the line horizontal or vertical.")
        give_icon(self.turn, "turn")
        self.turn.setAccessibleName("Compare: turn the line")
        self.turn.clicked.connect(self._comparison.turn)
        row.addWidget(self.turn)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.hint)

    def _press(self, mode: str) -> None:
        """Start a mode, or end it if it is shown."""
        before, after = self.pair()
        shown = self._comparison.mode == mode and self.is_on
        problem = None if shown else self._comparison.problem(mode, before, after)
        if shown:
            self._comparison.stop()
        elif problem is None and before is not None and after is not None:
            self._comparison.start(mode, before, after, self._owner)
        else:
            self.hint.say(problem or "")
            self._check_buttons()

    def _show(self) -> None:
        """Show which mode is on, and its hint, or the reason why it ended."""
        self._check_buttons()
        others = self._comparison.mode is not None and not self.is_on
        idle = IDLE if self._always and self._offered is not None else ""
        self.hint.say(idle if others else self._comparison.sentence or idle)

    def _check_buttons(self) -> None:
        mode = self._comparison.mode if self.is_on else None
        for name, button in self.buttons.items():
            button.setChecked(name == mode)
            button.setEnabled(self._offered is not None)
        self.turn.setVisible(mode == "slider")

    def _forget_removed(self, gone: object) -> None:
        if self._offered is not None and any(layer is gone for layer in self.pair()):
            self._offered = None
            self._check_buttons()
            self.setVisible(self._always or bool(self.hint.text()))
