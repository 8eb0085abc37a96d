from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model_list import ChosenModel, known_models
from napari_sr.runs.run import Request
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.unfinished import LAYER
from napari_sr.widgets.common.layer_source import source_of
from napari_sr.widgets.upscale.queue import PendingRun
from napari_sr.widgets.upscale.result import result_arguments
from napari_sr.widgets.upscale.resuming import in_words, unfinished_run
from napari_sr.widgets.upscale.stored import folder_request

CHOICE = ChosenModel(known_models()[0], 2)


@pytest.fixture
def layer():
    return Image(np.zeros((20, 30), np.uint8), name="cells", scale=(0.5, 0.5))


def request_of(layer, **settings):
    source = source_of(layer)
    return Request(source, CHOICE.reference, Settings(**settings), source.axes)


@pytest.fixture
def folder(layer, tmp_path):
    """Return a folder with the journal of an unfinished run."""
    request = request_of(layer)
    arguments = result_arguments(layer, request.image, CHOICE)
    pending = PendingRun(layer, request, arguments, {}, tmp_path)
    key = folder_request(pending, tmp_path, (0.0, 0.0)).key
    journal = Journal(tmp_path)
    journal.begin({"kind": LAYER, "blocks": 12, "key": {**key, "weights": [], "versions": {}}})
    journal.add(7, "abc")
    journal.close()
    return tmp_path


def test_the_same_run_can_be_resumed(layer, folder):
    found = unfinished_run(layer, request_of(layer), CHOICE, folder)

    assert (found.done, found.total, found.reason) == (1, 12, "")
    assert in_words(found) == (
        "The folder contains this result, unfinished: 1 of 12 blocks are done. "
        "Run computes the others."
    )


def test_other_settings_and_another_place_are_named(layer, folder):
    layer.translate = (3, 0)

    found = unfinished_run(layer, request_of(layer, border="zeros"), CHOICE, folder)

    assert 'settings.border was "auto" and is "zeros"' in found.reason
    assert "places.Y.origin was -0.125 and is 2.875" in found.reason


def test_a_folder_without_a_journal_and_no_folder_are_nothing(layer, tmp_path):
    assert unfinished_run(layer, request_of(layer), CHOICE, tmp_path) is None
    assert unfinished_run(layer, request_of(layer), CHOICE, tmp_path / "none") is None


def test_a_damaged_journal_is_a_reason(layer, folder):
    Journal(folder).begin({"kind": LAYER})

    assert "is damaged" in unfinished_run(layer, request_of(layer), CHOICE, folder).reason
