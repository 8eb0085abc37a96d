"""What napari's themes lack: a frame around the field with the keyboard focus, and font sizes."""

from __future__ import annotations

from napari.utils.theme import get_theme

WRONG = "#e5534b"
"""Colour around a field whose value cannot be used; visible on light and dark themes."""
_FRAMED = (
    "QComboBox", "QAbstractSpinBox", "QLineEdit", "QListWidget", "QCheckBox", "QSlider",
    "QPushButton:enabled", "QTableView", "QPlainTextEdit",
)  # fmt: skip
_UNSIZED = "QLineEdit", "QTableView", "QHeaderView", "QPlainTextEdit"


def form_style(theme: str, points: int) -> str:
    """Return the style sheet that frames the field with the focus, and sets sizes of fonts.

    Parameters
    ----------
    theme : str
        Name of one of napari's themes. Frames have its text colour, which is easy to see.
    points : int
        The user's font size. napari applies it only to other classes of fields.
    """
    colour = get_theme(theme).text.as_hex()
    # other fields have a transparent frame, so that nothing moves when the focus changes
    unseen = f"{', '.join(_FRAMED)} {{ border: 1px solid transparent; }}"
    seen = f"{', '.join(f'{kind}:focus' for kind in _FRAMED)} {{ border: 1px solid {colour}; }}"
    fonts = f"{', '.join(_UNSIZED)} {{ font-size: {points}pt; }}"
    # the text of napari's buttons and labels is a point larger, too
    return f"{unseen}\n{seen}\n{fonts}\nQToolButton {{ font-size: {points + 1}pt; }}"


def wrong_style(kind: str) -> str:
    """Return the style sheet of a wrong field of a class, such as "QComboBox"."""
    seen = f"{kind} {{ border: 1px solid {WRONG}; }}"
    return f"{seen} {kind}:focus {{ border: 2px solid {WRONG}; }}"
