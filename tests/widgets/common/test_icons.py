"""Icons have the colour and height of the text beside them."""

from __future__ import annotations

import itertools

import pytest
from qtpy.QtCore import QSize
from qtpy.QtGui import QColor, QIcon
from qtpy.QtWidgets import QPushButton

from napari_sr.widgets.common.icons import DRAWINGS, PROPERTY, WIDTH, drawn, give_icon

SIZE = QSize(38, 32)
WHITE, BLACK = QColor("#f0f1f2"), QColor("#3b3a39")


def colours(pixmap):
    """Return the colours of all opaque pixels."""
    image = pixmap.toImage()
    pixels = (image.pixelColor(x, y) for y in range(image.height()) for x in range(image.width()))
    opaque = [colour for colour in pixels if colour.alpha() == 255]
    return {colour.name() for colour in opaque}


def about(colour):
    """Return the names of colours that differ from one by rounding."""
    steps = itertools.product((-1, 0, 1), repeat=3)
    return {
        QColor(colour.red() + r, colour.green() + g, colour.blue() + b).name() for r, g, b in steps
    }


@pytest.fixture
def button(qtbot):
    button = QPushButton("Run")
    qtbot.addWidget(button)
    button.setStyleSheet("color: #f0f1f2; font-size: 12pt")
    give_icon(button, "run")
    button.show()
    return button


def icon_of(button, mode=QIcon.Mode.Normal):
    return button.icon().pixmap(button.iconSize(), mode)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("height", [16, 48])
def test_an_icon_is_visible_and_has_one_colour(name, height):
    image = drawn(name, WHITE, QSize(round(WIDTH * height), height)).toImage()
    pixels = [image.pixelColor(x, y) for y in range(height) for x in range(height)]

    assert {pixel.name() for pixel in pixels if pixel.alphaF() > 0.9} <= about(WHITE)
    assert 0.06 < sum(pixel.alphaF() for pixel in pixels) / height**2 < 0.5


@pytest.mark.usefixtures("qapp")
def test_no_two_icons_are_alike():
    images = [drawn(name, WHITE, SIZE).toImage() for name in DRAWINGS]

    assert all(one != other for at, one in enumerate(images) for other in images[:at])


@pytest.mark.usefixtures("qapp")
def test_an_icon_is_as_opaque_as_its_colour():
    faint = QColor(WHITE)
    faint.setAlphaF(0.4)

    image = drawn("run", faint, SIZE).toImage()

    assert image.pixelColor(16, 16).alphaF() == pytest.approx(0.4, abs=0.01)


def test_an_icon_has_the_colour_of_the_text(button):
    found = colours(icon_of(button))

    assert found <= about(WHITE)


def test_an_icon_follows_a_change_of_theme(button):
    button.setStyleSheet(f"color: {BLACK.name()}")

    found = colours(icon_of(button))

    assert found <= about(BLACK)


def test_a_disabled_icon_is_as_faint_as_the_text(button):
    button.setStyleSheet("QPushButton { color: #f0f1f2 } QPushButton:disabled { color: #777777 }")
    button.setEnabled(False)

    found = colours(icon_of(button, QIcon.Mode.Disabled))

    assert found <= about(QColor("#777777"))


def test_an_icon_grows_with_the_font(button):
    before = button.iconSize().height()

    button.setStyleSheet("font-size: 24pt")

    assert button.iconSize().height() >= 1.8 * before
    assert button.iconSize().height() == button.fontMetrics().height()


def test_an_icon_is_sharp_at_twice_the_pixels(button):
    pixmap = button.icon().pixmap(button.iconSize(), 2.0)
    pixmap.setDevicePixelRatio(1)

    assert pixmap.toImage() == drawn("run", WHITE, 2 * button.iconSize()).toImage()


def test_an_icon_can_be_replaced_and_stays_so_in_another_theme(button):
    give_icon(button, "pause")
    button.setStyleSheet(f"color: {BLACK.name()}; font-size: 12pt")

    expected = drawn("pause", BLACK, button.iconSize())
    assert icon_of(button).toImage() == expected.toImage()
    assert button.property(PROPERTY) == "pause"


def test_an_unknown_icon_is_refused_with_those_that_exist(button):
    with pytest.raises(KeyError, match=r"no icon 'rnu', only .*run"):
        give_icon(button, "rnu")
