from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sr.widgets.train.layers import LayersChooser


@pytest.fixture
def chooser(qtbot):
    chooser = LayersChooser()
    qtbot.addWidget(chooser)
    yield chooser
    chooser.leave()


def add(viewer, *names):
    return [viewer.add_image(np.zeros((4, 5)), name=name) for name in names]


def tick(chooser, row, ticked=True):
    chooser.item(row).setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)


def test_only_images_are_offered_and_one_alone_is_ticked(viewer, chooser):
    (cells,) = add(viewer, "cells")
    viewer.add_labels(np.zeros((4, 5), int))

    chooser.offer(viewer.layers)

    assert chooser.count() == 1
    assert chooser.layers() == [cells]


def test_several_can_be_ticked_and_stay_so_when_others_come_and_go(viewer, chooser):
    first, second, third = add(viewer, "a", "b", "c")
    chooser.offer(viewer.layers)
    assert chooser.layers() == []
    tick(chooser, 0)
    tick(chooser, 2)

    viewer.layers.remove(first)
    add(viewer, "d")
    chooser.offer(viewer.layers)

    assert chooser.layers() == [third]
    assert second not in chooser.layers()


def test_the_selected_layer_is_ticked_unless_the_user_has_chosen(viewer, chooser):
    first, second = add(viewer, "a", "b")
    chooser.offer(viewer.layers)

    chooser.tick(first)
    chooser.tick(second)

    assert chooser.layers() == [first]


def test_a_tick_is_told(viewer, chooser, qtbot):
    add(viewer, "a", "b")
    chooser.offer(viewer.layers)

    with qtbot.waitSignal(chooser.changed, timeout=1000):
        tick(chooser, 1)


def test_layers_that_come_unticked_are_not_told(viewer, chooser):
    add(viewer, "a", "b")
    chooser.offer(viewer.layers)
    tick(chooser, 0)
    told = []
    chooser.changed.connect(lambda: told.append(1))

    add(viewer, "c")
    chooser.offer(viewer.layers)

    assert told == []


def test_contrast_limits_of_the_first_ticked_layer_are_followed_until_it_is_left(viewer, chooser):
    first, second = add(viewer, "a", "b")
    chooser.offer(viewer.layers)
    tick(chooser, 0)
    told = []
    chooser.limits_changed.connect(lambda: told.append(1))

    first.contrast_limits = (0, 0.5)
    count = len(told)
    second.contrast_limits = (0, 0.5)
    chooser.leave()
    first.contrast_limits = (0, 0.7)

    assert count > 0
    assert len(told) == count


def test_it_is_no_higher_than_some_rows(viewer, chooser):
    add(viewer, *"abcdefghij")
    chooser.offer(viewer.layers)

    assert chooser.sizeHint().height() < 6 * chooser.sizeHintForRow(0)
