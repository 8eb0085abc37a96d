"""Copying the record of the active layer, as napari's menu does."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QApplication
from records import record_of

from napari_sr.runs.record import as_toml
from napari_sr.runs.record_forms import as_command, as_python
from napari_sr.widgets.common.copy_record import copy_command, copy_python, copy_toml

COPIES = {copy_python: as_python, copy_command: as_command, copy_toml: as_toml}


@pytest.fixture
def told():
    """Return a function that returns the last notification."""
    before = len(notification_manager.records)
    yield lambda: notification_manager.records[-1].message
    del notification_manager.records[before:]


def copied():
    return QApplication.clipboard().text()


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: copy.__name__)
def test_the_record_of_the_active_layer_is_copied(viewer, qapp, told, copy):
    viewer.add_image(np.zeros((4, 5)), name="cells [x2]", metadata={"napari-sr": record_of()})

    copy(viewer)

    assert copied().strip() == COPIES[copy](record_of()).strip()
    assert told().startswith("Copied how cells [x2] was made, as ")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "cells has no record: select a layer that napari-sr upscaled"),
        ({"napari-sr": {"folder": "/a"}}, "the record cannot be repeated: its model is missing"),
    ],
)
def test_a_layer_without_a_record_is_told(viewer, qapp, told, metadata, message):
    QApplication.clipboard().setText("before")
    viewer.add_image(np.zeros((4, 5)), name="cells", metadata=metadata)

    copy_python(viewer)

    assert message in told()
    assert copied() == "before"


def test_without_a_layer_one_is_asked_for(viewer, qapp, told):
    copy_python(viewer)

    assert told() == "Select one upscaled layer, and try again."
