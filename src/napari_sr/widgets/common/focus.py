"""Shows which field has the keyboard, in the colours of napari's theme, which shows it nowhere."""

from __future__ import annotations

from napari.utils.theme import get_theme

WRONG = "#e5534b"
"""Colour around a field whose value cannot be used; seen on light and dark."""
_FRAMED = (
    "QComboBox", "QAbstractSpinBox", "QLineEdit", "QListWidget", "QCheckBox", "QSlider",
    "QPushButton:enabled",
)  # fmt: skip


def focus_style(theme: str) -> str:
    """Return the style sheet of a form that frames what has the focus.

    Parameters
    ----------
    theme : str
        Name of one of napari's themes. Frames have the colour of its text, the one that stands
        out most.
    """
    colour = get_theme(theme).text.as_hex()
    # a frame that is always there, if unseen, moves nothing when it comes
    unseen = f"{', '.join(_FRAMED)} {{ border: 1px solid transparent; }}"
    seen = f"{', '.join(f'{kind}:focus' for kind in _FRAMED)} {{ border: 1px solid {colour}; }}"
    return f"{unseen}\n{seen}"


def wrong_style(kind: str) -> str:
    """Return the style sheet of a field of a kind, such as QComboBox, that cannot be used."""
    seen = f"{kind} {{ border: 1px solid {WRONG}; }}"
    return f"{seen} {kind}:focus {{ border: 2px solid {WRONG}; }}"
