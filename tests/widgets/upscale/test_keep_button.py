"""The button that keeps the finished part of a run, with parts that the test makes."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.engine.execution.partial_result import PartialResult
from napari_sr.engine.image.arrays import layout_of
from napari_sr.runs.model_list import ChosenModel, known_models
from napari_sr.widgets.common.layer_source import source_of
from napari_sr.widgets.upscale.keep_button import KeepButton
from napari_sr.widgets.upscale.queue import PendingRun
from napari_sr.widgets.upscale.result import result_arguments


@pytest.fixture
def button(qtbot):
    """Return a button that adds layers to a list."""
    added = []

    def add(pending, pixels, record, **arguments):
        layer = Image(pixels, **{**pending.arguments, **arguments}, metadata={"record": record})
        added.append(layer)
        return layer

    button = KeepButton(add)
    button.added = added
    qtbot.addWidget(button)
    return button


def offer(button, rows=slice(0, 4), columns=slice(0, 8), **options):
    """Offer some rows and columns of the result of a layer of 4 x 4 pixels; return the layer."""
    layer = Image(np.zeros((4, 4), np.uint8), name="cells", **options)
    arguments = result_arguments(layer, source_of(layer), ChosenModel(known_models()[0], 2))
    del arguments["metadata"]
    partial = PartialResult()
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8).copy()
    partial.begin(pixels, layout_of((8, 8), np.uint8))
    if rows is not None:
        partial[rows, columns] = np.array(pixels[rows, columns])
    partial.end({"scale": 2})
    button.offer(PendingRun(layer, None, arguments, {}), partial)
    return layer, weakref.ref(pixels)


def test_it_tells_how_much_there_is_and_what_it_takes(button):
    hidden = button.isHidden()

    offer(button)

    assert (hidden, button.isHidden()) == (True, False)
    assert button.text() == "Keep the finished part (50 %)"
    assert "Add 2 of 4 rows of the result of cells" in button.toolTip()
    assert "32 bytes of memory" in button.toolTip()


@pytest.mark.parametrize(
    ("rows", "share"), [(slice(0, 8), "100 %"), (slice(0, 1), "12 %"), (slice(0, 7), "88 %")]
)
def test_shares_are_rounded(button, rows, share):
    offer(button, rows)

    assert f"({share})" in button.text()


def test_nothing_finished_is_not_offered(button):
    offer(button, None)

    assert button.isHidden()


def test_the_part_becomes_a_layer_that_says_what_is_there(button, qtbot):
    source, _ = offer(button)

    with qtbot.waitSignal(button.kept) as kept:
        button.click()

    (layer,) = button.added
    assert layer.name == "cells, unfinished: 2 of 4 rows [FSRCNN x2]"
    np.testing.assert_array_equal(layer.data, np.arange(32).reshape(4, 8))
    assert layer.metadata["record"]["kept"] == ((0, 4), (0, 8))
    assert kept.args[:2] == [source, layer]
    assert kept.args[2] == (
        f"Kept: {layer.name}. It ends at the frame; beyond, nothing was computed, and you see "
        "cells."
    )
    assert layer.bounding_box.visible
    assert button.isHidden()
    button.click()
    assert len(button.added) == 1


def test_a_complete_result_is_not_called_unfinished(button, qtbot):
    offer(button, slice(0, 8))

    with qtbot.waitSignal(button.kept) as kept:
        button.click()

    (layer,) = button.added
    assert layer.name == "cells [FSRCNN x2]"
    assert "kept" not in layer.metadata["record"]
    assert not layer.bounding_box.visible
    assert kept.args[2] == "Kept: cells [FSRCNN x2]."


def test_a_part_lies_where_its_pixels_belong(button):
    options = {"scale": (3, 0.5), "rotate": 30, "shear": [0.2], "translate": (7, -4)}
    source, _ = offer(button, slice(2, 8), slice(4, 8), **options)

    button.click()

    (layer,) = button.added
    assert layer.name == "cells, unfinished: 3 \u00d7 2 of 4 \u00d7 4 px [FSRCNN x2]"
    # the corner of the part is that of the source's pixel (1, 2)
    np.testing.assert_allclose(
        layer.data_to_world((-0.5, -0.5)), source.data_to_world((0.5, 1.5)), atol=1e-9
    )


@pytest.mark.parametrize("how", ["forget", "another", "source removed", "kept and removed"])
def test_it_holds_no_pixels_afterwards(button, how):
    source, gone = offer(button)
    assert gone() is not None

    if how == "another":
        button.forget()
        offer(button, None)
    elif how == "source removed":
        button.forget_without([source])
        assert not button.isHidden()
        button.forget_without([])
    elif how == "forget":
        button.forget()
    else:
        button.click()
        button.added.clear()
    gc.collect()

    assert gone() is None
    assert button.isHidden()
