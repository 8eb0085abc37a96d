"""Marks in the list of models: words for the eye, the pointer and screen readers."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QStyleOptionViewItem
from scipy.ndimage import gaussian_filter, zoom

from napari_sr.advice.advise import advise
from napari_sr.runs.model_list import known_models
from napari_sr.widgets.common.model_chooser import ModelChooser
from napari_sr.widgets.common.model_marks import ADVISED, MARK, WIDEST, advised_first

READ, TIP = Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole


@pytest.fixture(scope="module")
def noisy():
    """Advice on a noisy image, for which `micrograph` is advised."""
    random = np.random.default_rng(0)
    signal = gaussian_filter(zoom(random.random((40, 40)), 5, order=0), 2)
    return advise(random.poisson(30 * signal).astype(np.uint16))


@pytest.fixture(scope="module")
def clean():
    """Advice on smooth waves, for which `bicubic` is advised."""
    y, x = np.mgrid[:256, :256]
    return advise((127 + 100 * np.sin(x / 3 + y / 5)).astype(np.uint8))


@pytest.fixture
def chooser(qtbot):
    chooser = ModelChooser()
    qtbot.addWidget(chooser)
    return chooser


def item(chooser, name, role):
    """Return what the list holds of a model in a role."""
    for index in range(chooser.models.count()):
        model = chooser.models.itemData(index)
        if model is not None and model.name == name:
            return chooser.models.itemData(index, role)
    raise KeyError(name)


def names(chooser):
    listed = (chooser.models.itemData(index) for index in range(chooser.models.count()))
    return [None if model is None else model.name for model in listed]


def test_the_advised_model_and_those_that_do_not_suit_are_marked(chooser, noisy):
    chooser.mark(noisy)

    assert item(chooser, "micrograph", MARK) == "advised for this layer"
    assert item(chooser, "fsrcnn", MARK) == "not for this layer: noise"
    assert item(chooser, "bicubic", MARK) is None
    assert noisy.reason in item(chooser, "micrograph", TIP)
    assert "mistakes noise for detail." in item(chooser, "fsrcnn", TIP)


def test_screen_readers_get_the_marks_and_the_reasons(chooser, noisy):
    chooser.mark(noisy)

    line = "FSRCNN: photographs, fast"
    assert item(chooser, "fsrcnn", READ) == f"{line}, not for this layer: noise"
    assert "mistakes noise" in item(chooser, "fsrcnn", Qt.ItemDataRole.AccessibleDescriptionRole)
    assert item(chooser, "bicubic", READ) == "Bicubic: what papers compare with"


def test_the_open_list_draws_the_mark_and_the_closed_one_the_name_alone(chooser, noisy):
    chooser.mark(noisy)
    option = QStyleOptionViewItem()

    index = chooser.models.model().index(names(chooser).index("fsrcnn"), 0)
    chooser.models.itemDelegate().initStyleOption(option, index)

    assert option.text.endswith("not for this layer: noise")
    assert chooser.models.currentText() == "FSRCNN: photographs, fast"


def test_the_choice_stays_and_no_model_is_hidden(chooser, noisy, clean):
    before, listed = chooser.choice(), sorted(filter(None, names(chooser)))
    changed = []
    chooser.changed.connect(lambda: changed.append(1))

    for advice in (noisy, clean, None):
        chooser.mark(advice)
        chooser.models.opening.emit()
        assert sorted(filter(None, names(chooser))) == listed

    assert chooser.choice() == before
    assert changed == []


def test_the_advised_model_is_first_from_the_next_opening_on(chooser, noisy, clean):
    before = names(chooser)
    chooser.mark(noisy)
    assert names(chooser) == before

    chooser.models.opening.emit()
    assert names(chooser)[:2] == [None, "micrograph"]
    assert chooser.models.itemText(0) == ADVISED

    chooser.mark(clean)
    chooser.models.opening.emit()
    assert names(chooser)[:2] == [None, "bicubic"]
    chooser.mark(None)
    chooser.models.opening.emit()
    assert names(chooser) == before
    assert item(chooser, "micrograph", MARK) is None


def test_nothing_moves_in_an_open_list(chooser, noisy, clean):
    chooser.mark(noisy)
    chooser.show()
    chooser.models.showPopup()
    before = names(chooser)

    chooser.mark(clean)

    assert names(chooser) == before
    assert item(chooser, "bicubic", MARK) == "advised for this layer"
    chooser.models.hidePopup()


def test_the_open_list_has_room_for_the_marks(chooser, noisy):
    chooser.mark(noisy)
    chooser.models.opening.emit()

    view = chooser.models.view()
    assert view.sizeHintForColumn(0) < view.minimumWidth() <= WIDEST


def test_the_order_of_the_others_is_kept(noisy):
    models = known_models()

    first, *others = advised_first(models, noisy)

    assert first.name == "micrograph"
    assert others == [model for model in models if model.name != "micrograph"]
    assert advised_first(models, None) == models
