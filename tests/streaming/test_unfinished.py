from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_sr.engine.planning.settings import Settings
from napari_sr.files.lazy_image import Axis
from napari_sr.runs.model import ModelReference
from napari_sr.runs.source import Source
from napari_sr.streaming.journal import FOLDER, Journal, JournalError
from napari_sr.streaming.layer_request import LayerRequest
from napari_sr.streaming.unfinished import LAYER, Unfinished, check_kind, unfinished


@pytest.fixture
def asked(tmp_path):
    """Return a request, and begin its result of 4 blocks."""
    data = np.zeros((2, 20, 30), np.uint8)
    source = Source("cells", data, data.shape, "ZYX", rgb=False)
    places = {"Y": Axis(np.float64(0.5), -0.25, "micrometer")}
    model = ModelReference(Path("own.pth"), np.int64(2))
    request = LayerRequest(source, tmp_path, model, Settings(value_range=(0, 9)), "ZYX", places)
    key = {**request.key, "weights": ["12"], "versions": {"torch": "2"}}
    Journal(tmp_path).begin({"kind": LAYER, "key": key, "blocks": 4})
    return request


def test_blocks_are_counted(asked):
    journal = Journal(asked.folder)
    journal.add(2)
    journal.close()

    assert unfinished(asked) == Unfinished(1, 4)


def test_weights_and_versions_are_not_compared_yet(asked):
    assert unfinished(asked).reason == ""


def test_the_key_is_what_json_gives_back(asked):
    assert json.loads(json.dumps(asked.key)) == asked.key
    assert asked.key["settings"]["value_range"] == [0, 9]
    assert asked.key["plane"] is None


def test_nothing_is_unfinished_without_a_task(asked):
    (asked.folder / FOLDER / "task.json").unlink()

    assert unfinished(asked) is None


@pytest.mark.parametrize("text", ["{", "[1]", '{"kind": "layer"}', '{"kind": "layer", "key": 1}'])
def test_a_damaged_task_is_a_reason_and_no_error(asked, text):
    (asked.folder / FOLDER / "task.json").write_text(text)

    assert "damaged" in unfinished(asked).reason


def test_the_task_of_a_file_is_not_that_of_a_layer():
    check_kind({"kind": LAYER})
    with pytest.raises(JournalError, match="on the command line"):
        check_kind({"key": {}})
