"""Each wrong field of the upscaling form has a reason."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.upscale import output_chooser
from napari_sr.widgets.upscale.output_chooser import FOLDER
from napari_sr.widgets.upscale.problems import problems_of


@pytest.fixture(autouse=True)
def _last_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(output_chooser, "get_save_history", lambda: [str(tmp_path)])


def problems(widget, viewer):
    return problems_of(widget.form, viewer)


def test_a_form_without_an_image_asks_for_one(widget, viewer):
    assert problems(widget, viewer) == {"layer": "Open an image: there is no image layer."}


def test_a_form_that_is_filled_in_has_no_problem(widget, viewer, camera):
    assert problems(widget, viewer) == {}


def test_integers_cannot_be_marked_as_missing(widget, viewer):
    viewer.add_image(np.zeros((8, 9), np.uint16), name="counts")
    outliers = widget.form.outliers
    outliers.setCurrentIndex(outliers.findData("mark"))

    reason = problems(widget, viewer)["outliers"]

    assert reason.startswith("The layer counts has the type uint16, which cannot contain NaN")


def test_a_folder_needs_an_absolute_path(widget, viewer, camera):
    output = widget.form.output
    output.kind.setCurrentText(FOLDER)
    output.path.setText("cells.ome.zarr")

    assert "absolute path" in problems(widget, viewer)["folder"]


def test_a_folder_takes_no_spread(widget, viewer, camera):
    widget.form.output.kind.setCurrentText(FOLDER)
    widget.form.spread.setChecked(True)

    assert "cannot store a spread" in problems(widget, viewer)["output"]


def test_a_factor_for_which_the_model_must_run_twice_is_wrong_if_it_cannot(widget, viewer, camera):
    widget.form.model.choose("micrograph", 2)
    scale = widget.form.model.scale
    scale.setCurrentText("any factor")
    scale.activated.emit(scale.currentIndex())
    assert problems(widget, viewer) == {}

    scale.number.setValue(5)

    assert list(problems(widget, viewer)) == ["scale"]
    assert "Micrograph enlarges at most 4 times, got 5" in problems(widget, viewer)["scale"]
