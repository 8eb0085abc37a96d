from __future__ import annotations

import pytest

from napari_sr.widgets.train.curves import Curve


@pytest.fixture
def curve(qtbot):
    curve = Curve("PSNR", "{:.1f} dB")
    qtbot.addWidget(curve)
    curve.resize(300, curve.height())
    return curve


def colours(curve):
    """Return how many pixels are blue, as the curve, and orange, as the line."""
    image = curve.grab().toImage()
    found = [
        image.pixelColor(x, y).getRgb()[:3]
        for x in range(image.width())
        for y in range(image.height())
    ]
    blue = sum(blue > red + 60 for red, _, blue in found)
    return blue, sum(red > blue + 60 for red, _, blue in found)


def test_an_empty_curve_is_painted(curve):
    assert colours(curve) == (0, 0)
    assert curve.words() == "PSNR"


def test_values_and_what_they_are_compared_with_are_painted_and_written(curve):
    curve.compare("bicubic", 30.04)
    for step, value in enumerate((28, 29, 31.26)):
        curve.add(step, value)

    blue, orange = colours(curve)

    assert blue > 50
    assert orange > 50
    assert curve.words() == "PSNR   31.3 dB   bicubic 30.0 dB"


def test_all_values_lie_inside(curve):
    curve.compare("bicubic", 40)
    curve.add(0, 20)
    curve.add(10, 25)

    low, high = curve.span()

    assert low < 20 < 40 < high


def test_a_single_value_has_room(curve):
    curve.add(0, 0.0)

    low, high = curve.span()

    assert low < 0 < high
    assert colours(curve)[0] > 0


def test_ratios_are_equally_high_where_it_is_logarithmic(qtbot):
    loss = Curve("Loss", "{:g}", logarithmic=True)
    qtbot.addWidget(loss)

    loss.add(0, 1.0)
    loss.add(1, 0.01)

    assert loss.span() == pytest.approx((-2.16, 0.16))


def test_a_cleared_curve_has_forgotten_all(curve):
    curve.add(0, 1)
    curve.compare("bicubic", 2)

    curve.clear()

    assert curve.span() is None
