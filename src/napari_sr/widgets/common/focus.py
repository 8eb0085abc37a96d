"""A frame that shows which field has the keyboard focus; napari's themes do not show it."""

from __future__ import annotations

from napari.utils.theme import get_theme

WRONG = "#e5534b"
"""Colour around a field whose value cannot be used; visible on light and dark themes."""
_FRAMED = (
    "QComboBox", "QAbstractSpinBox", "QLineEdit", "QListWidget", "QCheckBox", "QSlider",
    "QPushButton:enabled", "QTableView", "QPlainTextEdit",
)  # fmt: skip


def focus_style(theme: str) -> str:
    """Return the style sheet that frames the field with the focus.

    Parameters
    ----------
    theme : str
        Name of one of napari's themes. Frames have its text colour, which is easy to see.
    """
    colour = get_theme(theme).text.as_hex()
    # other fields have a transparent frame, so that nothing moves when the focus changes
    unseen = f"{', '.join(_FRAMED)} {{ border: 1px solid transparent; }}"
    seen = f"{', '.join(f'{kind}:focus' for kind in _FRAMED)} {{ border: 1px solid {colour}; }}"
    return f"{unseen}\n{seen}"


def wrong_style(kind: str) -> str:
    """Return the style sheet of a wrong field of a class, such as "QComboBox"."""
    seen = f"{kind} {{ border: 1px solid {WRONG}; }}"
    return f"{seen} {kind}:focus {{ border: 2px solid {WRONG}; }}"
