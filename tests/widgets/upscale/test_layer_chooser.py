from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Points

from napari_sr.widgets.upscale.layer_chooser import LayerChooser


@pytest.fixture
def told():
    return []


@pytest.fixture
def chooser(qtbot, told):
    chooser = LayerChooser()
    qtbot.addWidget(chooser)
    for name in ("chosen", "limits_changed", "data_changed", "redrawn"):
        getattr(chooser, name).connect(lambda name=name: told.append(name))
    yield chooser
    chooser.leave()


@pytest.fixture
def layers():
    return [Image(np.zeros((4, 5)), name=name) for name in ("first", "second")]


def test_images_are_offered_and_nothing_else(chooser, layers, told):
    chooser.offer([Points([[1, 1]]), *layers])

    assert [chooser.itemText(at) for at in range(chooser.count())] == ["first", "second"]
    assert chooser.layer() is layers[0]
    assert told == ["chosen"]


def test_the_choice_stays_while_others_come_and_go(chooser, layers, told):
    chooser.offer(layers)
    chooser.follow([layers[1]])
    told.clear()

    chooser.offer(layers[1:])

    assert chooser.layer() is layers[1]
    assert told == []


def test_what_is_not_offered_is_not_followed(chooser, layers):
    chooser.offer(layers[:1])

    chooser.follow([layers[1]])

    assert chooser.layer() is layers[0]


def test_without_layers_there_is_none(chooser, layers, told):
    chooser.offer(layers)

    chooser.offer([])

    assert chooser.layer() is None
    assert told == ["chosen", "chosen"]


def test_changes_of_the_chosen_layer_are_told_and_of_no_other(chooser, layers, told):
    chooser.offer(layers)
    chooser.follow([layers[1]])
    told.clear()

    for layer in layers:
        quiet = list(told)
        layer.contrast_limits = (0, 7)
        layer.data = np.ones((6, 7))

    assert quiet == []
    assert set(told) == {"limits_changed", "data_changed", "redrawn"}

    told.clear()
    layers[0].refresh()
    assert told == []
    layers[1].refresh()
    assert told == ["redrawn"]


def test_after_it_was_left_nothing_is_told(chooser, layers, told):
    chooser.offer(layers)
    told.clear()

    chooser.leave()
    layers[0].contrast_limits = (0, 7)
    layers[0].refresh()

    assert told == []


def test_several_selected_layers_are_one_line_and_all_chosen(chooser, layers, told):
    third = Image(np.zeros((4, 5)), name="third")
    chooser.offer([*layers, third])
    told.clear()

    chooser.follow({third, layers[0]})

    assert chooser.currentText() == "2 layers selected"
    assert chooser.layers() == [layers[0], third]
    assert chooser.layer() is layers[0]
    assert told == ["chosen"]

    chooser.follow([layers[1]])

    assert chooser.layers() == [layers[1]]
    assert [chooser.itemText(at) for at in range(chooser.count())] == ["first", "second", "third"]


def test_several_stay_chosen_without_one_that_is_removed(chooser, layers, told):
    third = Image(np.zeros((4, 5)), name="third")
    chooser.offer([*layers, third])
    chooser.follow([*layers, third])
    told.clear()

    chooser.offer([layers[0], third])
    chooser.offer([layers[0], third])

    assert chooser.layers() == [layers[0], third]
    assert told == ["chosen"]

    chooser.offer([third])

    assert chooser.layers() == [third]
    assert chooser.count() == 1
