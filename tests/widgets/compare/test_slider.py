"""The slider: where its names lie, and which keys it takes."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sr.widgets.compare.on_canvas import Handle, Tag
from napari_sr.widgets.compare.slider import Slider


@pytest.mark.parametrize("horizontal", [False, True])
def test_the_slider_s_names_lie_on_their_sides(canvas, begun, tags, horizontal):
    mode = begun(Slider)
    if horizontal:
        mode.turn()

    before, after = canvas.native.findChildren(Tag)

    if horizontal:
        assert before.geometry().bottom() < 150 < after.geometry().top()
    else:
        assert before.geometry().right() < 200 < after.geometry().left()
    assert tags(canvas) == ["Before: cells", "After: cells x2"]


@pytest.mark.parametrize(("planes", "share"), [(1, 0.49), (4, 0.5)])
def test_arrows_move_the_line_unless_they_step_through_a_stack(
    viewer, canvas, begun, planes, share
):
    viewer.add_image(np.zeros((planes, 24, 32)))

    mode = begun(Slider)
    handled = mode.key(Qt.Key.Key_Left, True, False)

    assert handled is (planes == 1)
    assert canvas.native.findChildren(Handle)[0].share == share == mode.share
