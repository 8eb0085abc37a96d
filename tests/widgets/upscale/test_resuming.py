from __future__ import annotations

import numpy as np
import pytest
from forms import PATIENCE
from napari.layers import Image

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model_list import ChosenModel, known_models
from napari_sr.runs.run import Request
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.unfinished import LAYER
from napari_sr.widgets.common.layer_source import source_of
from napari_sr.widgets.upscale.queue import PendingRun
from napari_sr.widgets.upscale.result import result_arguments
from napari_sr.widgets.upscale.resuming import FolderLook, look_at, request_for
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


def look(layer, folder, *, proposed=False, **settings):
    return look_at(request_for(layer, request_of(layer, **settings), CHOICE, folder), proposed)


def test_the_same_run_can_be_resumed(layer, folder):
    found = look(layer, folder)

    assert (found.resumed.done, found.resumed.total, found.problem) == (1, 12, "")
    assert found.words == (
        "The folder contains this result, unfinished: 1 of 12 blocks are done. "
        "Run computes the others."
    )


def test_other_settings_and_another_place_are_named(layer, folder):
    layer.translate = (3, 0)

    found = look(layer, folder, border="zeros")

    assert 'settings.border was "auto" and is "zeros"' in found.problem
    assert "places.Y.origin was -0.125 and is 2.875" in found.problem
    assert (found.resumed, found.words) == (None, "")


def test_a_damaged_journal_is_a_reason(layer, folder):
    Journal(folder).begin({"kind": LAYER})

    assert "is damaged" in look(layer, folder).problem


def test_a_new_folder_has_no_problem(layer, tmp_path):
    found = look(layer, tmp_path / "new.ome.zarr")

    assert (found.problem, found.resumed) == ("", None)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "exists"), ("nowhere/a.zarr", "no folder"), (300 * "a", "cannot be used: File name too")],
)
def test_a_folder_that_cannot_be_created_is_explained(layer, tmp_path, name, reason):
    found = look(layer, tmp_path / name)

    assert reason in found.problem
    assert found.request.folder == tmp_path / name


def test_a_proposed_folder_gives_way_to_the_first_free_name(layer, tmp_path):
    for name in ("cells x2.ome.zarr", "cells x2 (2).ome.zarr"):
        (tmp_path / name).mkdir()

    found = look(layer, tmp_path / "cells x2.ome.zarr", proposed=True)

    assert (found.problem, found.request.folder.name) == ("", "cells x2 (3).ome.zarr")


def test_a_proposed_folder_gives_way_if_it_cannot_be_resumed(layer, folder):
    assert look(layer, folder, proposed=True).request.folder == folder

    found = look(layer, folder, proposed=True, border="zeros")

    assert found.request.folder == folder.with_name(f"{folder.name} (2).ome.zarr")


def test_what_is_known_of_a_folder_holds_for_one_run_only(layer, folder, qtbot):
    seen = FolderLook()
    asked, other = (
        request_for(layer, request_of(layer, border=border), CHOICE, folder)
        for border in ("auto", "zeros")
    )
    assert seen.state(asked) is None

    with qtbot.waitSignal(seen.changed, timeout=PATIENCE):
        seen.ask(other, proposed=False)
        seen.ask(asked, proposed=False)

    assert seen.newest.resumed.done == 1
    assert seen.state(asked) is seen.newest
    assert seen.state(other) is None
    seen.forget()
    assert seen.state(asked) is None
