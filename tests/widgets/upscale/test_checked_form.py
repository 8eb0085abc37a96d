"""The form before a run, as far as the place of the result is concerned."""

from __future__ import annotations

import numpy as np
import pytest
from forms import PATIENCE

from napari_sr.widgets.upscale import output_chooser
from napari_sr.widgets.upscale.output_chooser import FOLDER, MEMORY


@pytest.fixture(autouse=True)
def _last_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(output_chooser, "get_save_history", lambda: [str(tmp_path)])


@pytest.fixture
def little_memory(monkeypatch):
    """Let 100 bytes be free."""
    from collections import namedtuple

    free = namedtuple("Memory", "available")(100)
    monkeypatch.setattr("napari_sr.runs.forecast.psutil.virtual_memory", lambda: free)


def choose(widget, kind):
    output = widget.form.output
    output.kind.setCurrentText(kind)
    output.kind.activated.emit(output.kind.currentIndex())


def said(widget, qtbot, words):
    qtbot.waitUntil(lambda: words in widget.form.forecast.text(), timeout=PATIENCE)


@pytest.mark.needs("zarr")
def test_a_result_that_does_not_fit_is_proposed_for_a_folder(little_memory, widget, camera, qtbot):
    said(widget, qtbot, "The folder takes up to")

    assert widget.form.output.in_folder
    assert widget.form.run.isEnabled()
    assert "does not fit into the 100 bytes of free memory" in widget.form.forecast.text()


@pytest.mark.needs("zarr")
def test_back_in_memory_it_says_why_it_cannot_run(little_memory, widget, camera, qtbot):
    said(widget, qtbot, "The folder takes up to")

    choose(widget, MEMORY)

    kind = widget.form.output.kind
    qtbot.waitUntil(lambda: "border" in kind.styleSheet(), timeout=PATIENCE)
    assert not widget.form.run.isEnabled()
    assert "choose a folder as Output" in widget.form.status.text()


def test_the_forecast_of_a_folder_has_its_size_and_the_free_space(widget, camera, qtbot):
    choose(widget, FOLDER)

    said(widget, qtbot, "The folder takes up to 1.0 kB; ")
    assert "with PyTorch, in 1 tile" in widget.form.forecast.text()


def test_what_the_folder_does_not_keep_is_said_before_the_run(viewer, widget, camera, qtbot):
    camera.rotate = 20

    choose(widget, FOLDER)

    said(widget, qtbot, "cannot store the layer's rotation")


def test_a_path_that_exists_is_framed(widget, camera, tmp_path, qtbot):
    choose(widget, FOLDER)
    path = widget.form.output.path
    path.setText(str(tmp_path))
    path.textEdited.emit(str(tmp_path))

    qtbot.waitUntil(lambda: "border" in path.styleSheet(), timeout=PATIENCE)
    assert not widget.form.run.isEnabled()
    assert "exists" in widget.form.status.text()


def test_axes_that_ome_zarr_lacks_are_refused_only_for_a_folder(viewer, widget):
    viewer.add_image(np.zeros((2, 4, 5), np.uint8), axis_labels=("angle", "y", "x"))
    assert widget.form.run.isEnabled()

    choose(widget, FOLDER)

    assert not widget.form.run.isEnabled()
    assert "has angle before Y and X" in widget.form.status.text()


def test_the_proposed_name_follows_layer_and_scale(viewer, widget, camera):
    viewer.add_image(np.zeros((4, 5), np.uint8), name="second")
    assert widget.form.output.path.text().endswith("second x2.ome.zarr")

    widget.form.model.scale.setCurrentIndex(1)
    widget.form.model.scale.activated.emit(1)

    assert widget.form.output.path.text().endswith("second x3.ome.zarr")


def test_a_level_of_noise_for_a_model_that_takes_none_is_explained_at_its_field(
    widget, camera, qtbot
):
    noise = widget.form.noise
    noise.setText("3")
    noise.textEdited.emit("3")

    qtbot.waitUntil(lambda: "border" in noise.styleSheet(), timeout=PATIENCE)
    assert "Nearest does not" in widget.form.status.text()
    assert not widget.form.run.isEnabled()


def test_a_level_of_noise_is_a_setting_of_the_run(widget, camera):
    widget.form.noise.setText("3.5")

    assert widget.form.settings(camera).noise == 3.5
