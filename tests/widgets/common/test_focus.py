"""The field that has the keyboard is seen, in every theme of napari."""

from __future__ import annotations

import pytest
from napari.utils.theme import available_themes, get_theme
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_sr.widgets.common.focus import WRONG, form_style, wrong_style


def luminance(colour):
    """Return WCAG's relative luminance of a colour, 0..1."""
    shares = QColor(colour).getRgbF()[:3]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_frame_stands_out_from_field_and_form(theme):
    colours = get_theme(theme)
    frame = colours.text.as_hex()

    assert frame in form_style(theme, 9)
    # WCAG 2.2, 1.4.11: 3 to 1 for what tells where the focus is
    assert contrast(frame, colours.background.as_hex()) >= 3
    assert contrast(frame, colours.foreground.as_hex()) >= 3


@pytest.mark.parametrize("theme", available_themes())
def test_every_theme_has_a_style(theme):
    assert ":focus" in form_style(theme, 9)


@pytest.mark.parametrize("kind", [QComboBox, QLineEdit, QPushButton])
def test_the_frame_moves_nothing(kind, qtbot):
    outside = QWidget()
    qtbot.addWidget(outside)
    first, second = kind(outside), kind(outside)
    layout = QVBoxLayout(outside)
    layout.addWidget(first)
    layout.addWidget(second)
    outside.setStyleSheet(form_style("dark", 9))
    outside.show()
    QApplication.setActiveWindow(outside)  # there is no window manager that would

    first.setFocus()
    framed, before = first.sizeHint(), outside.grab().toImage()
    second.setFocus()

    assert second.hasFocus()
    assert first.sizeHint() == framed
    assert outside.grab().toImage() != before


def test_a_wrong_field_is_framed_thicker_with_the_keyboard():
    style = wrong_style("QComboBox")

    assert f"QComboBox {{ border: 1px solid {WRONG}; }}" in style
    assert f"QComboBox:focus {{ border: 2px solid {WRONG}; }}" in style


@pytest.mark.parametrize("kind", [QLineEdit, QTableView, QPlainTextEdit, QToolButton])
def test_fields_that_napari_leaves_out_have_the_preferred_font_size(kind, qtbot):
    field = kind()
    qtbot.addWidget(field)

    sizes = []
    for points in (9, 14):
        field.setStyleSheet(form_style("dark", points))
        field.ensurePolished()
        sizes.append(field.font().pointSize())

    assert sizes == ([10, 15] if kind is QToolButton else [9, 14])
