import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blocks import SETTINGS, image_of, tiff_of, two_files

from napari_sr import load
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.model import ModelReference
from napari_sr.streaming.journal import JournalError
from napari_sr.streaming.task import begin, check_unchanged, key_of, reopen

pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture
def source(tmp_path):
    return tiff_of(tmp_path / "in.tif", image_of())


def task_of(source, settings=SETTINGS, model=None):
    model = model or ModelReference()
    image, network = open_lazy(source), load("fsrcnn", 2)
    key = key_of(source, image, model, network, settings)
    return begin(image, network, settings, key)


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        replace(SETTINGS, value_range=(0, 4095.0)),
        replace(SETTINGS, value_range=Percentiles(1, 99)),
        replace(SETTINGS, tile=48, outliers="keep"),
    ],
    ids=str,
)
def test_a_task_is_the_same_in_another_process(source, settings):
    task, opened = task_of(source, settings)

    again = reopen(json.loads(json.dumps(task)))

    assert again.run.settings == opened.run.settings
    assert again.run.values == opened.run.values
    assert again.grid == opened.grid
    assert again.network.provenance == opened.network.provenance


def test_a_task_from_before_the_border_was_reflected_goes_on_with_zeros(source):
    zeros = replace(SETTINGS, border="zeros")
    task, opened = task_of(source, zeros)
    del task["key"]["settings"]["border"]

    again = reopen(json.loads(json.dumps(task)))

    assert again.run.settings == opened.run.settings
    assert again.grid == opened.grid
    image, network = open_lazy(source), load("fsrcnn", 2)
    now = key_of(source, image, ModelReference(), network, SETTINGS)
    with pytest.raises(JournalError, match=r"border was \"zeros\" and is \"auto\""):
        reopen(json.loads(json.dumps(task)), now)


def test_the_tile_is_fixed_because_free_memory_changes(source, monkeypatch):
    task, opened = task_of(source)
    monkeypatch.setattr(
        "napari_sr.engine.planning.tile_size.free_memory", lambda device: 300 * 2**20
    )

    assert task["fixed"]["tile"] == opened.run.settings.tile > 0
    assert reopen(task).run.settings.tile == opened.run.settings.tile


def test_the_precision_is_fixed_because_devices_differ(source):
    task, opened = task_of(source)
    assert task["fixed"]["precision"] == opened.run.settings.precision == "float32"
    task["fixed"]["precision"] = "bfloat16"

    assert reopen(task).run.settings.precision == "bfloat16"

    del task["fixed"]["precision"]  # older versions did not write it
    assert reopen(task).run.settings.precision == "auto"


def test_a_blend_and_a_file_are_found_again(source):
    path = load("fsrcnn", 2).provenance["file"]
    second = ModelReference(Path(path), 2)
    model = ModelReference("fsrcnn", 2, second=second, weight=0.25)
    image, network = open_lazy(source), model.load()
    task, _ = begin(image, network, SETTINGS, key_of(source, image, model, network, SETTINGS))

    again = reopen(json.loads(json.dumps(task)))

    assert again.network.provenance == network.provenance


def test_other_weights_are_refused(source):
    task, _ = task_of(source)
    task["key"]["weights"] = ["0" * 64]

    with pytest.raises(JournalError, match=r"weights was \[\"000.* and is .*--overwrite starts"):
        reopen(task)


def test_values_of_percentiles_come_from_the_image(source):
    task, opened = task_of(source, replace(SETTINGS, value_range=Percentiles(10, 90)))

    low, high = np.percentile(image_of(), (10, 90))
    assert task["fixed"]["values"] == pytest.approx([low, high], rel=0.05)
    assert opened.run.values.low == task["fixed"]["values"][0]


def test_the_changed_file_of_several_is_named(tmp_path):
    first, second = two_files(tmp_path, image_of((2, 40, 50)))
    task, _ = task_of(first)
    check_unchanged(json.loads(json.dumps(task)))

    second.write_bytes(second.read_bytes() + b"more")

    with pytest.raises(JournalError, match=r"1\.ome\.tif has changed since"):
        check_unchanged(task)


def test_a_consistent_model_is_another_task_and_others_keep_their_key(source):
    reference = ModelReference("fsrcnn", 2, consistent=True)
    image, network = open_lazy(source), reference.load()
    key = key_of(source, image, reference, network, SETTINGS)
    plain = key_of(source, image, ModelReference("fsrcnn", 2), load("fsrcnn", 2), SETTINGS)
    task, opened = begin(image, network, SETTINGS, key)

    again = reopen(json.loads(json.dumps(task)))

    assert "consistent" not in plain["model"]  # as unfinished results of older versions
    assert again.network.provenance["consistent"] is True
    assert again.network.receptive_field == opened.network.receptive_field
    with pytest.raises(JournalError, match="consistent"):
        reopen(task, plain)
