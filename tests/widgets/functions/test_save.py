"""The form *Save a layer* beside a viewer without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from forms import PATIENCE
from superqt.utils import WorkerBase

from napari_sr.files.image import FileError
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.record import KEY, read_record
from napari_sr.widgets.functions.save import SaveWidget, completed, save_layer, save_steps


@pytest.fixture
def layer(viewer, random):
    viewer.add_image(np.zeros((4, 4)), name="plain")
    return viewer.add_image(
        random.random((2, 8, 9)).astype(np.float32),
        name="result",
        scale=(2, 0.5, 0.5),
        units=("um", "um", "um"),
        metadata={KEY: {"model": "fsrcnn-x2"}},
    )


@pytest.fixture
def widget(viewer, layer, qtbot):
    viewer.add_image(np.zeros((4, 4)), name="newer")
    widget = SaveWidget(viewer)
    qtbot.addWidget(widget)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr", "a"])
def test_the_newest_result_is_saved_in_its_place_with_its_record(
    widget, layer, name, tmp_path, qtbot
):
    widget.gui.path.value = tmp_path / name
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    path = completed(tmp_path / name)
    assert widget.form.status.text() == f"Saved {path}."
    found = open_lazy(path)
    np.testing.assert_array_equal(np.squeeze(found.pixels[:]), layer.data)
    assert found.places["X"].size == 0.5
    assert read_record(path)["model"] == "fsrcnn-x2"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/", "/ is a folder: add the name of a file"),
        ("..", ".. is a folder: add the name of a file"),
        ("~nobody-here/a", "~nobody-here/a begins with ~, and there is no such user"),
    ],
)
def test_a_path_may_be_typed_letter_by_letter(widget, typed, told):
    widget.gui.path.line_edit.value = typed

    assert widget.form.status.text() == told
    assert not widget.form.run.isEnabled()


def test_a_folder_gets_no_file_beside_it(widget, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    widget.gui.path.value = folder

    widget.form.run.click()

    assert widget.form.status.text() == f"{folder} is a folder: add the name of a file."
    assert not completed(folder).exists()


def test_what_cannot_be_saved_is_told(widget, tmp_path):
    widget.gui.path.value = tmp_path / "a.png"
    assert widget.form.status.text() == "A.png must end in .ome.tif or .ome.zarr"
    assert not widget.form.run.isEnabled()


def test_an_existing_file_is_replaced_only_on_demand(widget, tmp_path, qtbot):
    (tmp_path / "a.ome.tif").touch()
    widget.gui.path.value = tmp_path / "a.ome.tif"

    widget.form.run.click()

    told = "A.ome.tif exists: tick the box to replace it, or choose another name."
    assert widget.form.status.text() == told
    assert (tmp_path / "a.ome.tif").stat().st_size == 0
    widget.gui.overwrite.value = True
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()
    assert (tmp_path / "a.ome.tif").stat().st_size > 0


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr"])
def test_a_cancelled_file_leaves_nothing(layer, tmp_path, name):
    steps = save_steps(layer.as_layer_data_tuple(), "result", tmp_path / name, False)
    next(steps)

    steps.close()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("zarr")
def test_an_existing_folder_is_kept(layer, tmp_path):
    save_layer(layer, tmp_path / "a.ome.zarr")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(FileError, match="exists"):
        save_layer(layer, tmp_path / "a.ome.zarr", overwrite=True)

    assert sorted(tmp_path.rglob("*")) == before


def test_a_script_saves_with_one_call(layer, tmp_path):
    assert save_layer(layer, tmp_path / "a") == tmp_path / "a.ome.tif"
    assert completed(Path("b.zarr")) == Path("b.zarr")
