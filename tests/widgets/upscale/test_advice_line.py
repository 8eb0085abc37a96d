"""The line of advice in the form: it follows layer, model and scale, and its button chooses."""

from __future__ import annotations

import numpy as np
import pytest
from forms import PATIENCE
from scipy.ndimage import gaussian_filter, zoom

from napari_sr.widgets.upscale import advice_line


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(advice_line, "PAUSE", 0)


@pytest.fixture
def noisy(viewer, random):
    signal = gaussian_filter(zoom(random.random((40, 40)), 5, order=0), 2)
    return viewer.add_image(random.poisson(30 * signal).astype(np.uint16), name="noisy")


def said(widget, qtbot):
    """Wait for the advice; return it."""
    qtbot.waitUntil(lambda: widget.form.advice.label.text() != "", timeout=PATIENCE)
    return widget.form.advice.label.text()


def test_a_model_that_does_not_suit_is_told_and_replaced(noisy, widget, qtbot):
    line = widget.form.advice
    assert widget.form.model.models.currentData().name == "fsrcnn"

    assert said(widget, qtbot) == "Advised: Microscope x2"
    assert not line.use.isHidden()
    assert "takes noise for detail" in line.label.toolTip()
    line.use.click()

    assert widget.form.model.models.currentData().name == "microscope"
    assert line.label.text() == "Suits this image."
    assert line.use.isHidden()


def test_another_scale_or_layer_gets_other_advice(noisy, viewer, widget, qtbot, random):
    said(widget, qtbot)

    widget.form.model.choose("fsrcnn", 4)
    assert said(widget, qtbot) == "Advised: Bicubic x4"

    clean = gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)
    viewer.layers.selection = {viewer.add_image(clean.astype(np.float32))}
    assert said(widget, qtbot) == "Suits this image."

    widget.form.model.choose("bicubic", 2)
    qtbot.waitUntil(lambda: said(widget, qtbot).startswith("Advised: EDSR"), timeout=PATIENCE)


def test_replaced_pixels_get_other_advice_even_at_the_address_of_the_old_ones(
    noisy, widget, qtbot, random, monkeypatch
):
    monkeypatch.setattr(advice_line, "id", lambda pixels: 1, raising=False)
    widget._refresh()
    said(widget, qtbot)

    clean = gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)
    noisy.data = (60000 * clean.clip(0, 1)).astype(np.uint16)

    qtbot.waitUntil(
        lambda: widget.form.advice.label.text() == "Suits this image.", timeout=PATIENCE
    )


def test_an_image_that_is_too_small_gets_no_advice(viewer, widget, qtbot):
    viewer.add_image(np.ones((10, 10), np.uint8))
    taken = []
    widget.form.advice._latest.told.connect(taken.append)

    qtbot.waitUntil(lambda: bool(taken), timeout=PATIENCE)

    assert isinstance(taken[-1], ValueError)
    assert widget.form.advice.label.text() == ""
    assert widget.form.advice.use.isHidden()


def test_closing_the_form_drops_the_advice(noisy, widget, qtbot):
    said(widget, qtbot)

    widget._let_go()

    assert widget.form.advice._advice is None
    assert widget.form.advice._asked is None
