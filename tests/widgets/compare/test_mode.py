"""What all modes change meanwhile, and what they leave."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.compare.kept_state import KeptState
from napari_sr.widgets.compare.mode import grid_of
from napari_sr.widgets.compare.modes import MODES, Blink, SideBySide
from napari_sr.widgets.compare.slider import Slider


@pytest.mark.parametrize("mode", MODES.values())
def test_other_images_are_hidden_meanwhile(viewer, pair, begun, mode):
    other = viewer.add_image(np.zeros((4, 5)))
    labels = viewer.add_labels(np.ones((4, 5), int))

    begun(mode)

    assert not other.visible
    assert labels.visible is (mode is not SideBySide)


@pytest.mark.parametrize("mode", [Slider, SideBySide])
def test_hidden_layers_are_shown_meanwhile(pair, begun, mode):
    for layer in pair:
        layer.visible = False

    begun(mode)

    assert all(layer.visible for layer in pair)


@pytest.mark.parametrize("mode", [Slider, Blink])
def test_the_user_s_grid_is_off_meanwhile(viewer, begun, mode):
    grid_of(viewer).enabled = True

    shown = begun(mode)
    during = grid_of(viewer).enabled
    shown.kept.restore()

    assert not during
    assert grid_of(viewer).enabled


@pytest.mark.parametrize("mode", MODES.values())
def test_nothing_stays_on_the_canvas(canvas, viewer, pair, qtbot, mode):
    shown = mode(viewer, *pair, KeptState())
    shown.begin()
    callbacks = len(canvas.events.draw.callbacks)
    shown.end()

    assert callbacks == (mode is Slider)
    assert len(canvas.events.draw.callbacks) == 0
    qtbot.waitUntil(lambda: not canvas.native.children())
