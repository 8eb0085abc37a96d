from __future__ import annotations

import pytest

from napari_sr.widgets._form import Form


@pytest.fixture
def form(qtbot):
    form = Form()
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


def test_every_field_explains_itself(form):
    fields = [
        *form._fields().values(),
        form.slices,
        form.ensemble,
        form.model.blend.browse,
        form.model.blend.weight,
        form.precision,
        form.kernels,
        form.outliers,
        form.model.scale,
        form.model.browse,
    ]

    assert all(field.toolTip() for field in fields)


def test_the_price_of_an_ensemble_is_where_it_is_chosen(form):
    assert not form.ensemble.isChecked()
    assert "eight times the time" in form.ensemble.toolTip()
    assert "EDSR" in form.ensemble.toolTip()


def test_cancel_and_the_bar_belong_to_a_run(form):
    form.show()
    assert not form.cancel.isEnabled()
    assert not form.bar.isVisible()

    form.show_running(True)

    assert form.cancel.isEnabled()
    assert form.bar.isVisible()
    assert not form.run.isEnabled()


def test_an_unknown_total_lets_the_bar_swing(form):
    form.show_progress(0, 0)

    assert (form.bar.minimum(), form.bar.maximum()) == (0, 0)
