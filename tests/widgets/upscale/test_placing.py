"""Where a result goes in the layer list."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from forms import PATIENCE
from napari.layers import Image

from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.upscale.placing import Placer


@pytest.fixture
def placer(viewer):
    return Placer(viewer)


def add(placer, source, name="result"):
    """Add a result of a layer, without the record that a run would give it."""
    return placer.add(np.zeros((4, 6)), source, {"name": name}, {})


def names(viewer):
    return [layer.name for layer in viewer.layers]


@pytest.fixture
def source(viewer):
    """Return an image that lies under another one, which lies under labels."""
    layer = viewer.add_image(np.zeros((2, 3)), name="source")
    viewer.add_image(np.zeros((2, 3)), name="other")
    viewer.add_labels(np.zeros((2, 3), int), name="labels")
    return layer


def test_a_result_lies_directly_above_its_source(viewer, placer, source):
    add(placer, source)

    assert names(viewer) == ["source", "result", "other", "labels"]


def test_a_newer_result_lies_above_the_older_ones(viewer, placer, source):
    add(placer, source, "first")
    source.name = "renamed"
    add(placer, source, "second")

    assert names(viewer) == ["renamed", "first", "second", "other", "labels"]


def test_a_result_of_a_result_lies_directly_above_that(viewer, placer, source):
    first = add(placer, source, "first")
    add(placer, source, "second")

    add(placer, first, "of first")

    assert names(viewer)[:4] == ["source", "first", "of first", "second"]


def test_results_of_a_form_that_was_closed_are_known_by_their_record(viewer, placer, source):
    older = Image(np.zeros((4, 6)), name="older", metadata={METADATA_KEY: {"source": "source"}})
    viewer.layers.insert(1, older)

    add(placer, source)

    assert names(viewer)[:3] == ["source", "older", "result"]


def test_a_source_that_was_moved_is_found(viewer, placer, source):
    viewer.layers.move(0, 3)

    add(placer, source)

    assert names(viewer) == ["other", "labels", "source", "result"]


@pytest.mark.parametrize("images", [0, 1])
def test_without_its_source_a_result_lies_under_annotations(viewer, placer, source, images):
    viewer.layers.remove(source)
    if not images:
        viewer.layers.remove("other")

    add(placer, source)

    assert names(viewer) == [*["other"][:images], "result", "labels"]


def test_attributes_are_set_once_the_layer_exists(viewer, placer, source):
    limits = {"contrast_limits": (0, 1)}

    result = placer.add(np.zeros((4, 6)), source, limits, {"contrast_limits_range": (-5, 9)})

    assert result.contrast_limits_range == [-5, 9]
    assert result.contrast_limits == [0, 1]


@pytest.fixture
def _all_are_large(monkeypatch):
    monkeypatch.setattr("napari_sr.widgets.upscale.placing.LARGE", 24)


@pytest.mark.usefixtures("_all_are_large")
def test_a_large_result_is_shown_once_the_window_has_handled_events(placer, source, qtbot):
    layer = add(placer, source)

    assert not layer.visible
    qtbot.waitUntil(lambda: layer.visible, timeout=PATIENCE)


@pytest.mark.usefixtures("_all_are_large")
def test_a_large_result_is_selected_before_it_is_drawn(viewer, source, qtbot):
    told = []

    @contextmanager
    def selecting():
        told.append("begins")
        yield
        told.append("ends")

    viewer.layers.selection.active = source
    layer = add(Placer(viewer, selecting), source)
    told.clear()
    viewer.layers.selection.events.active.connect(lambda: told.append(layer.visible))

    assert viewer.layers.selection.active is source
    qtbot.waitUntil(lambda: layer.visible, timeout=PATIENCE)
    assert viewer.layers.selection.active is layer
    assert told[0] == "begins"
    assert told[-1] == "ends"
    assert set(told[1:-1]) == {False}


@pytest.mark.usefixtures("_all_are_large")
def test_a_large_result_that_is_removed_at_once_is_forgotten(viewer, placer, source, qtbot):
    viewer.layers.selection.active = source
    layer = add(placer, source)

    viewer.layers.remove(layer)
    qtbot.wait(100)

    assert viewer.layers.selection.active is source


def test_another_selection_stays(viewer, placer, source):
    viewer.layers.selection = {source, viewer.layers["other"]}

    add(placer, source)

    assert viewer.layers.selection == {source, viewer.layers["other"]}


@pytest.mark.usefixtures("_all_are_large")
def test_a_large_result_that_is_hidden_stays_hidden(placer, source, qtbot):
    hidden = placer.add(np.zeros((4, 6)), source, {"visible": False}, {})
    shown = add(placer, source, "another")

    qtbot.waitUntil(lambda: shown.visible, timeout=PATIENCE)
    assert not hidden.visible


def test_other_results_are_shown_at_once(placer, source):
    assert add(placer, source).visible
