"""The dock widget: what it offers, computes, draws and leaves behind."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from forms import PATIENCE
from napari.utils.notifications import notification_manager
from superqt.utils import WorkerBase

from napari_sr.runs.words import TIMES
from napari_sr.widgets.common.layer_list import guard_removals
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.compare.form import CompareWidget, usual_pair


@pytest.fixture
def form(viewer, qtbot):
    """Return the form beside a viewer, connected as napari's window does it."""
    widget = CompareWidget(viewer)
    qtbot.addWidget(widget)
    for name in ("inserted", "removed", "reordered"):
        getattr(viewer.layers.events, name).connect(widget.reset_choices)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


@pytest.fixture
def truth(viewer, random):
    """Return a reference of the size of the result."""
    return viewer.add_image(random.integers(0, 255, (48, 64), np.uint8), name="truth")


def choose(box, layer):
    """Choose a layer as a user does."""
    box.setCurrentText(layer.name)
    box.activated.emit(box.currentIndex())


def test_the_newest_result_and_its_source_are_proposed(viewer, form, pair, truth):
    before, after = pair
    after.metadata[METADATA_KEY] = {"source": "cells"}

    form.reset_choices()

    assert form.form.before.layer() is before
    assert form.form.after.layer() is after
    assert form.form.row.pair() == pair


def test_without_a_result_the_lowest_two_images_are_proposed(viewer):
    assert usual_pair([]) == (None, None)
    first, second, third = (viewer.add_image(np.zeros((2, 2))) for _ in range(3))

    assert usual_pair([first]) == (first, None)
    assert usual_pair([first, second, third]) == (first, second)


def test_one_layer_cannot_be_compared_with_itself(form, pair):
    choose(form.form.before, pair[1])

    assert "two different" in form.form.row.hint.text()
    assert not form.form.row.buttons["blink"].isEnabled()


def test_a_new_result_does_not_end_a_comparison(viewer, form, pair):
    form.form.row.buttons["blink"].click()

    viewer.add_image(np.zeros((4, 5)), metadata={METADATA_KEY: {"source": "cells"}})

    assert form.form.row.is_on
    assert form.form.row.pair() == pair
    form.form.row.clear()


def test_figures_follow_reference_and_plane(viewer, form, pair, truth, qtbot):
    choose(form.form.reference, truth)
    qtbot.waitUntil(lambda: "After: PSNR" in form.form.figures.text(), timeout=PATIENCE)
    said = form.form.figures.text()
    viewer.dims.events.point()
    truth.data[:] = pair[1].data
    truth.refresh()  # as after painting, or after a script
    qtbot.waitUntil(lambda: form.form.figures.text() != said, timeout=PATIENCE)

    assert f"Before: 24 {TIMES} 32 px, but the reference has 48 {TIMES} 64 px" in said
    assert "After: PSNR inf dB, SSIM 1.0000" in form.form.figures.text()
    form.form.reference.setCurrentIndex(0)
    assert form.form.figures.text() == ""


def test_an_error_map_is_added_in_place(viewer, form, pair, truth, qtbot):
    enabled = [form.form.errors.isEnabled()]
    truth.scale, truth.translate = pair[1].scale, pair[1].translate
    choose(form.form.reference, truth)
    enabled.append(form.form.errors.isEnabled())

    form.form.errors.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=PATIENCE)

    layer = viewer.layers[-1]
    assert enabled == [False, True]
    np.testing.assert_array_equal(layer.data, pair[1].data.astype(np.float32) - truth.data)
    np.testing.assert_array_equal(layer.extent.world, pair[1].extent.world)


def test_the_dock_does_not_keep_removed_layers(viewer, form, put, random, qtbot):
    _, after = put(viewer)
    truth = viewer.add_image(random.integers(0, 255, (48, 64), np.uint8), name="truth")
    choose(form.form.reference, truth)
    form.form.errors.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=PATIENCE)
    gone = weakref.ref(after), weakref.ref(truth)
    del after, truth

    viewer.layers.clear()
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)
    gc.collect()

    assert [layer() for layer in gone] == [None, None]


def test_an_error_map_of_other_shapes_is_refused(viewer, form, pair, random):
    told = []
    notification_manager.notification_ready.connect(told.append)
    choose(form.form.reference, viewer.add_image(np.zeros((5, 6), np.uint8), name="small"))

    form.form.errors.click()
    notification_manager.notification_ready.disconnect(told.append)

    assert f"48 {TIMES} 64 grey and 5 {TIMES} 6 grey" in told[0].message
    assert len(viewer.layers) == 3


def test_a_line_is_drawn_and_its_profile_follows(viewer, form, pair, qtbot):
    form.form.draw.click()
    shapes = viewer.layers["profile"]
    mode, active = str(shapes.mode), viewer.layers.selection.active
    shapes.add_lines(np.array([[3, 2], [3, 30]]))
    qtbot.waitUntil(lambda: form.form.plot.profile is not None, timeout=PATIENCE)
    first = form.form.plot.profile
    shapes.data = [np.array([[3, 2], [3, 12]])]
    qtbot.waitUntil(lambda: form.form.plot.profile is not first, timeout=PATIENCE)

    assert (mode, active) == ("add_line", shapes)
    assert first.distances[-1] == 28
    assert form.form.plot.profile.distances[-1] == 10
    assert set(first.values) == {"before", "after", "bicubic"}
    form.form.draw.click()
    assert len(viewer.layers) == 3  # no second layer for lines
    viewer.layers.remove(shapes)
    assert form.form.plot.profile is None


def test_a_new_line_has_the_units_of_the_images(viewer, form, pair):
    for layer in pair:
        layer.units = ("um", "um")

    form.form.draw.click()

    assert viewer.layers["profile"].units == pair[1].units


def test_a_closed_dock_leaves_nothing(viewer, pair, state, qtbot):
    from qtpy.QtWidgets import QWidget

    shapes = viewer.add_shapes()
    guard_removals(viewer)  # stays as long as the viewer, once for all forms
    gc.collect()
    before = state(viewer), len(shapes.events.data.callbacks)
    dock = QWidget()
    qtbot.addWidget(dock)
    widget = CompareWidget(viewer)
    widget.setParent(dock)
    widget.form.row.buttons["side by side"].click()

    widget.setParent(None)
    qtbot.wait(20)
    del widget
    gc.collect()

    after = state(viewer), len(shapes.events.data.callbacks)
    assert after == before


def test_it_works_through_the_proxy_that_napari_gives(viewer, pair, qtbot):
    from napari.utils._proxies import PublicOnlyProxy

    widget = CompareWidget(PublicOnlyProxy(viewer))
    qtbot.addWidget(widget)

    widget.form.row.buttons["side by side"].click()

    assert widget.form.row.is_on
    widget.form.row.clear()
