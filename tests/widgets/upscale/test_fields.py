from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFormLayout

from napari_sr.runs.model_list import OPENED, ChosenModel, ListedModel
from napari_sr.runs.spelling import FIELDS
from napari_sr.widgets.upscale.fields import UpscaleFields


@pytest.fixture
def form(qtbot):
    form = UpscaleFields()
    qtbot.addWidget(form)
    return form


def test_only_the_wrong_field_is_framed(form):
    form.show_problems({"tile": "A tile must be at least 17 px, got 8"})

    assert "border" in form.tile.styleSheet()
    assert form.tile.toolTip() == "A tile must be at least 17 px, got 8"
    assert form.layers.styleSheet() == ""


def test_a_field_that_is_right_again_explains_itself(form):
    usual = form.tile.toolTip()
    form.show_problems({"tile": "A tile must be at least 17 px, got 8"})

    form.show_problems({})

    assert form.tile.toolTip() == usual != ""
    assert form.tile.styleSheet() == ""


def test_messages_call_fields_as_their_labels(form):
    form.more.open()
    at = QFormLayout.ItemRole.LabelRole
    found = (form.rows.itemAt(row, at) for row in range(form.rows.rowCount()))
    labels = {item.widget().text() for item in found if item is not None}
    here = [FIELDS[name] for name in form.checked() if name in FIELDS]

    assert {*here, FIELDS["value_range"], FIELDS["border"], FIELDS["precision"]} <= labels


def test_every_field_explains_itself(form):
    fields = [
        *form.checked().values(),
        form.region.slices,
        form.more.button,
        form.more.defaults,
        form.ensemble,
        form.model.blend.browse,
        form.model.blend.weight,
        form.precision,
        form.engine,
        form.outliers,
        form.model.scale,
        form.model.browse,
    ]

    assert all(field.toolTip() for field in fields)


def test_the_price_of_an_ensemble_is_where_it_is_chosen(form):
    assert not form.ensemble.isChecked()
    assert "eight times the time" in form.ensemble.toolTip()
    assert "EDSR" in form.ensemble.toolTip()


@pytest.mark.parametrize("other_unit", [False, True])
def test_black_and_white_are_not_passed_to_a_model_with_a_processing_of_its_own(
    form, monkeypatch, other_unit
):
    layer = Image(np.full((9, 9), 700, np.uint16), contrast_limits=(100, 4000))
    model = ListedModel("a.zip", "a", OPENED, "", (2,), other_unit=other_unit)
    monkeypatch.setattr(form, "choice", lambda: ChosenModel(model, 2))
    monkeypatch.setattr(form.values, "value", lambda layer: (100.0, 4000.0))

    found = form.settings(layer).value_range

    assert found == (None if other_unit else (100.0, 4000.0))


def test_cancel_and_the_bar_belong_to_a_run(form):
    form.show()
    assert not form.stop.isEnabled()
    assert not form.bar.isVisible()

    form.show_running(True)

    assert form.stop.isEnabled()
    assert form.bar.isVisible()
    assert not form.run.isEnabled()


def test_an_unknown_total_lets_the_bar_swing(form):
    form.show_progress(0, 0)

    assert (form.bar.minimum(), form.bar.maximum()) == (0, 0)


def test_no_button_moves_as_texts_and_the_bar_come(form):
    form.resize(420, 900)
    form.show()
    form.forecast.say("")
    QApplication.processEvents()
    before = form.preview.pos(), form.stop.pos(), form.status.pos(), form.width()

    form.forecast.say("Result: 400 by 400 by 3, 480 kB. Takes about 51 MB of memory, 3 seconds.")
    form.model.about.say("Words " * 200)
    form.device.offer([("cuda", "NVIDIA RTX 6000 Ada Generation, 48 GB, the first of eight")])
    form.show_running(True)
    form.status.say("Upscaling: tile 1 of 4")
    QApplication.processEvents()

    assert (form.preview.pos(), form.stop.pos(), form.status.pos(), form.width()) == before


def test_the_wheel_over_a_field_does_not_change_it(form):
    for field in (form.layers, form.model.models, form.model.scale, form.tile, form.values.kind):
        assert field.focusPolicy() == Qt.FocusPolicy.StrongFocus
