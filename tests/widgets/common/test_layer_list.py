"""A layer is added without being selected."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image
from napari.utils._proxies import PublicOnlyProxy

from napari_sr.widgets.common.insertion import insert_unselected


def test_the_selection_stays_and_tells_of_no_change(viewer):
    chosen = viewer.add_image(np.zeros((2, 3)))
    told = []
    viewer.layers.selection.events.changed.connect(told.append)
    added = Image(np.ones((2, 3)))

    insert_unselected(viewer.layers, 0, added)

    assert list(viewer.layers) == [added, chosen]
    assert viewer.layers.selection == {chosen}
    assert told == []


def test_other_layers_are_selected_as_before(viewer):
    insert_unselected(viewer.layers, 0, Image(np.ones((2, 3))))
    with pytest.raises(TypeError):
        insert_unselected(viewer.layers, 0, "no layer")

    later = viewer.add_image(np.zeros((2, 3)))

    assert viewer.layers.selection == {later}


def test_the_layers_of_a_window_are_a_proxy(viewer):
    chosen = viewer.add_image(np.zeros((2, 3)))
    added = Image(np.ones((2, 3)))

    insert_unselected(PublicOnlyProxy(viewer).layers, 1, added)

    assert list(viewer.layers) == [chosen, added]
    assert viewer.layers.selection == {chosen}
