from __future__ import annotations

import numpy as np
import pytest

from napari_sr.training.config import Data
from napari_sr.training.data.training_data import degradation_of
from napari_sr.widgets.train.degradation import BLUR, MICROSCOPE, DegradationChooser


@pytest.fixture
def chooser(qtbot):
    chooser = DegradationChooser()
    qtbot.addWidget(chooser)
    return chooser


def choose(chooser, kind):
    chooser.kind.setCurrentText(kind)
    chooser.kind.activated.emit(chooser.kind.currentIndex())


def made(degradation):
    return degradation_of(Data(crop=8, batch=1, degradation=degradation))


def test_the_trainer_understands_every_way(chooser):
    names = []
    for index in range(chooser.kind.count()):
        choose(chooser, chooser.kind.itemText(index))
        names.append(type(made(chooser.value(2))).__name__)

    assert names == ["Bicubic", "Blur", "Microscope"]


def test_only_the_numbers_of_the_chosen_way_are_asked(chooser):
    chooser.show()
    asked = chooser.sigma, chooser.photons
    seen = []
    for kind in ("bicubic", BLUR, MICROSCOPE):
        choose(chooser, kind)
        seen.append([box.isVisible() for box in asked])

    assert seen == [[False, False], [True, False], [False, True]]


def test_the_microscope_is_told_in_micrometres_of_the_small_image(chooser):
    choose(chooser, MICROSCOPE)
    chooser.wavelength.setValue(610)
    chooser.aperture.setValue(1.4)
    chooser.pixel.setValue(0.065)
    chooser.photons.setValue(80)

    microscope = made(chooser.value(3))

    assert microscope.optics.wavelength == pytest.approx(0.61)
    assert microscope.optics.aperture == 1.4
    assert microscope.optics.pixel == pytest.approx(0.195)
    assert microscope.camera.photons == 80
    assert chooser.words(3) == "a microscope (610 nm, NA 1.4, 0.195 µm, 80 photons)"


def test_a_layers_pixel_is_taken_over(chooser, viewer):
    chooser.follow(viewer.add_image(np.zeros((4, 5)), scale=(0.5, 0.25), units=("um", "um")))
    chooser.follow(viewer.add_image(np.zeros((4, 5)), scale=(2, 2)))
    chooser.follow(None)

    assert chooser.pixel.value() == 0.25
