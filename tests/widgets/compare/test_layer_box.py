"""Which layers are listed, and which one is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_sr.widgets.compare.layer_box import LayerBox


@pytest.fixture
def layers():
    images = [Image(np.zeros((2, 2)), name=name) for name in ("first", "second")]
    return [*images, Labels(np.zeros((2, 2), int), name="labels")]


@pytest.fixture
def box(qtbot):
    box = LayerBox(Image, none="none")
    qtbot.addWidget(box)
    return box


def names(box):
    return [box.itemText(row) for row in range(box.count())]


def test_layers_of_one_kind_are_listed_below_none(box, layers):
    box.offer(layers)

    assert names(box) == ["none", "first", "second"]
    assert box.layer() is None


def test_the_usual_layer_is_chosen_until_the_user_chooses(box, layers):
    box.offer(layers, layers[1])
    usual = box.layer()
    box.choose(layers[0])
    box.offer(layers, layers[1])

    assert usual is layers[1]
    assert box.layer() is layers[0]


def test_a_choice_that_is_gone_gives_way_to_the_usual_layer(box, layers):
    box.offer(layers)
    box.choose(layers[0])

    box.offer(layers[1:], layers[1])

    assert box.layer() is layers[1]


def test_it_tells_once_when_another_layer_is_chosen(box, layers):
    told = []
    box.chosen.connect(lambda: told.append(box.layer()))

    for usual in (layers[0], layers[0], layers[1]):
        box.offer(layers, usual)
    box.setCurrentIndex(0)

    assert told == [layers[0], layers[1], None]


def test_it_forgets_layers(box, layers):
    box.offer(layers, layers[0])

    box.leave()

    assert box.layer() is None
