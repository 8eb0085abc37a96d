"""What the plot shows and says."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.compare.plot import ProfilePlot, in_words
from napari_sr.widgets.compare.profile import Profile


@pytest.fixture
def plot(qtbot):
    plot = ProfilePlot()
    qtbot.addWidget(plot)
    plot.resize(300, plot.height())
    return plot


def profile(**values):
    made = {name: np.asarray(each, np.float32) for name, each in values.items()}
    return Profile(np.linspace(0, 8, len(next(iter(made.values())))), made, "µm")


def coloured(plot):
    """Return how many pixels are orange (before) and blue (after)."""
    image = plot.grab().toImage()
    found = [
        image.pixelColor(x, y).getRgb()[:3]
        for x in range(image.width())
        for y in range(30, image.height())  # below the legend
    ]
    orange = sum(red > blue + 80 for red, _, blue in found)
    return orange, sum(blue > red + 80 for red, _, blue in found)


def test_both_curves_are_painted_and_described(plot):
    plot.show_profile(profile(before=np.arange(9) % 3, after=np.arange(9)))

    orange, blue = coloured(plot)

    assert orange > 50
    assert blue > 50
    assert plot.accessibleDescription() == (
        "8 µm long; before from 0.00 to 2.00, after from 0.00 to 8.00"
    )


def test_without_a_line_nothing_is_painted(plot):
    plot.show_profile(profile(before=[1, 2]))
    plot.show_profile(None)

    assert coloured(plot) == (0, 0)
    assert plot.accessibleDescription() == "No line"


def test_missing_values_are_gaps(plot):
    values = np.arange(40.0)
    plot.show_profile(profile(before=values))
    whole = coloured(plot)[0]
    values[10:30] = np.nan
    plot.show_profile(profile(before=values))

    assert 0.3 * whole < coloured(plot)[0] < 0.7 * whole


@pytest.mark.parametrize(("values", "span"), [([5, 5], (4.5, 5.5)), ([np.nan, np.nan], None)])
def test_flat_and_empty_curves_can_be_painted(plot, values, span):
    plot.show_profile(profile(before=values))

    assert plot.span() == span
    plot.grab()


def test_numbers_have_as_many_digits_as_their_distance_needs():
    assert in_words(0.123456, 0.123999) == ("0.123456", "0.123999")
    assert in_words(3, 3) == ("3.00", "3.00")
    assert in_words(1_234_567, 8e11) == ("1.235e+06", "8e+11")


def test_another_axis_is_named(qtbot):
    plot = ProfilePlot(across="frequency", about="Correlation", empty="No curve")
    qtbot.addWidget(plot)
    plot.show_profile(profile(source=np.arange(9), result=np.arange(9)[::-1]))
    plot.resize(300, plot.height())

    orange, blue = coloured(plot)

    assert min(orange, blue) > 50
    assert plot.accessibleName() == "Correlation"


def test_many_names_fit_into_the_legend(plot):
    names = ("before", "after", "reference", "bicubic")
    plot.show_profile(profile(**{name: np.arange(9) for name in names}))
    plot.resize(300, plot.height())

    image = plot.grab().toImage()
    legend = range(2, plot.fontMetrics().height() + 3)
    background = image.pixelColor(image.width() - 2, image.height() // 2).getRgb()[:3]
    drawn = [
        x
        for x in range(image.width())
        if any(image.pixelColor(x, y).getRgb()[:3] != background for y in legend)
    ]

    assert 200 < max(drawn) < image.width() - 2  # or else the last name is cut off
