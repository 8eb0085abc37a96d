from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_sr.widgets.train.fields import NOISY, SHARP, TrainFields


@pytest.fixture
def form(qtbot):
    form = TrainFields()
    qtbot.addWidget(form)
    form.resize(340, 700)
    form.show()
    return form


def test_only_the_wrong_field_is_framed_until_it_is_right(form):
    usual = form.name.toolTip()
    form.name.setText("taken")

    form.show_problems({"name": "There is one called so"})
    framed, tip = form.name.styleSheet(), form.name.toolTip()
    form.show_problems({})

    assert ("border" in framed, tip) == (True, "There is one called so")
    assert (form.name.styleSheet(), form.name.toolTip()) == ("", usual)
    assert form.layers.styleSheet() == ""


def test_every_field_explains_itself(form):
    fields = [
        *form.checked().values(), form.minutes, form.device, form.stop, form.use, form.loss,
        form.psnr, form.preview, form.degradation.kind, form.degradation.sigma,
        form.degradation.photons,
    ]  # fmt: skip

    assert all(field.toolTip() for field in fields)


def test_curves_and_pictures_have_no_place_before_the_first_training(form):
    before = form.psnr.isVisible(), form.preview.isVisible(), form.use.isVisible()

    form.clear_results()

    assert before == (False, False, False)
    assert form.psnr.isVisible()
    assert form.loss.isVisible()


@pytest.mark.parametrize("kind", ["bicubic", "microscope"])
def test_nothing_is_cut_at_the_least_width(form, kind, qtbot):
    form.degradation.kind.setCurrentText(kind)
    form.degradation.kind.activated.emit(0)
    form.clear_results()
    qtbot.wait(1)

    form.resize(form.minimumSizeHint().width(), 300)  # with a bar to scroll

    assert form.verticalScrollBar().isVisible()
    assert form.widget().minimumSizeHint().width() <= form.viewport().width()


def test_what_is_below_is_scrolled_to(form):
    form.resize(form.width(), 300)
    form.clear_results()
    form.preview.show_pictures({"low resolution": np.zeros((20, 20), np.uint8)})

    form.show_results()

    shown = form.preview.mapTo(form, form.preview.rect().bottomLeft()).y()
    assert 0 < shown <= form.height()


def test_pictures_that_almost_fit_leave_the_form_at_rest(form):
    # a bar that comes makes the pictures lower, so that it may go, so that they are higher ...
    form.clear_results()
    form.preview.show_pictures(dict.fromkeys("abcd", np.zeros((40, 64), np.uint8)))
    form.resize(form.minimumSizeHint().width() + 40, 2000)
    QApplication.processEvents()
    needed = form.widget().layout().totalMinimumSize().height()

    for height in range(needed + 10, needed - 60, -2):
        form.resize(form.width(), height)
        QApplication.processEvents()

    assert form.height() == needed - 58


def test_only_the_fields_for_the_chosen_images_are_shown(form):
    shown = []
    for text in (SHARP, NOISY):
        form.have.setCurrentText(text)
        form.have.activated.emit(form.have.currentIndex())
        shown.append((form.degradation.isVisible(), form.noisy.isVisible()))
        assert form.from_noisy == (text == NOISY)

    assert shown == [(True, False), (False, True)]
    assert "noisy" in form.intro.text()
    assert "estimated" in form.psnr.words()
    assert "noisy" in form.layers.toolTip()
    assert "before training" in form.preview.toolTip()
