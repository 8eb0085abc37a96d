"""The choice of a mean over eight views (flips and quarter turns), and of their spread."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget


class EnsembleBox(QWidget):
    """Two boxes: the mean of eight views, and their spread, which needs the mean."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mean = QCheckBox("mean of eight views")
        self.mean.setToolTip(
            "Upscale every flip and quarter turn of each plane, and take the mean:\n"
            "eight times the time, a little better (EDSR+: Lim et al., 2017, arXiv:1707.02921)."
        )
        self.spread = QCheckBox("and spread")
        self.spread.setToolTip(
            "Add a second layer with the standard deviation over the eight views, in the units of\n"
            "the image. Where this layer is bright, the network is unsure; where it is dark, the\n"
            "network may still be wrong. It takes no more time, but four bytes for each value."
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.mean)
        layout.addWidget(self.spread)
        layout.addStretch()
        self.mean.toggled.connect(self._follow_mean)
        self.spread.toggled.connect(self._follow_spread)

    def _follow_mean(self, checked: bool) -> None:
        if checked or not self.spread.isChecked():
            self.changed.emit()
        else:
            self.spread.setChecked(False)

    def _follow_spread(self, checked: bool) -> None:
        if checked and not self.mean.isChecked():
            self.mean.setChecked(True)
        else:
            self.changed.emit()

    def choose(self, *, mean: bool, spread: bool) -> None:
        """Check the boxes."""
        self.mean.setChecked(mean)
        self.spread.setChecked(mean and spread)

    def difference(self) -> str:
        """Return the checked boxes in words; "" if none is checked."""
        if not self.mean.isChecked():
            return ""
        return f"mean{' and spread' if self.spread.isChecked() else ''} of eight views"
