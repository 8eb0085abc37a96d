from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.spot import Spot
from napari_sr.training.finetuning.self_supervision import METHODS, SelfSupervision
from napari_sr.widgets.train.noisy import COMPUTED, MEASURED, NoisyChooser


@pytest.fixture
def chooser(qtbot):
    chooser = NoisyChooser()
    qtbot.addWidget(chooser)
    return chooser


def choose(box, text):
    box.setCurrentText(text)
    box.activated.emit(box.currentIndex())


def bead(sigma=1.5):
    y, x = np.indices((21, 21)) - 10.0
    return Image(10 + 100 * np.exp(-(y**2 + x**2) / 2 / sigma**2), name="bead")


def test_nothing_need_be_chosen(chooser):
    assert chooser.value() == SelfSupervision()
    assert chooser.problem() is None
    assert chooser.gain.text() == "estimated"


def test_every_method_is_offered(chooser):
    found = []
    for index in range(chooser.method.count()):
        choose(chooser.method, chooser.method.itemText(index))
        found.append(chooser.value().method)
        assert chooser.about.text()

    assert tuple(found) == METHODS


def test_a_given_gain_brings_offset_and_read_noise(chooser):
    chooser.show()
    assert not chooser.offset.isVisible()
    chooser.gain.setValue(2.1)
    chooser.offset.setValue(100)
    chooser.read_noise.setValue(1.3)

    assert chooser.offset.isVisible()
    assert chooser.value().noise == NoiseModel(2.1, 100, 1.3)


def test_unknown_noise_asks_for_no_numbers(chooser):
    chooser.show()
    chooser.gain.setValue(2.1)
    choose(chooser.method, "Unknown noise")

    assert not chooser.gain.isVisible()
    assert chooser.value().noise == NoiseModel()


def test_the_spot_is_computed_in_micrometres(chooser):
    chooser.show()
    choose(chooser.spot, COMPUTED)
    chooser.wavelength.setValue(610)
    chooser.aperture.setValue(1.4)
    layer = Image(np.zeros((4, 4)), scale=(0.08, 0.08), units="um")
    chooser.follow(layer)

    assert chooser.wavelength.isVisible()
    spot = chooser.value().spot
    assert (spot.wavelength, spot.aperture, spot.pixel) == pytest.approx((0.61, 1.4, 0.08))


def test_the_spot_is_measured_on_a_bead(chooser):
    chooser.offer([Image(np.zeros((2, 9, 9))), bead()])
    choose(chooser.spot, MEASURED)

    assert chooser.bead.count() == 1
    # binning by the camera is not in this image, but is subtracted
    assert chooser.value().spot.sigma == pytest.approx((1.5**2 - 1 / 12) ** 0.5, rel=0.05)


def test_without_a_bead_it_says_what_is_needed(chooser):
    choose(chooser.spot, MEASURED)

    assert chooser.problem().startswith("open an image of one bead")


def test_an_image_without_a_bead_is_told(chooser):
    chooser.offer([Image(np.full((9, 9), 7.0))])
    choose(chooser.spot, MEASURED)

    assert "brighter than the border of its image, got a largest value of 7" in chooser.problem()


def test_a_bead_stays_chosen_when_layers_come(chooser):
    one, other = bead(), bead()
    other.name = "other"
    chooser.offer([one, other])
    chooser.bead.setCurrentText("other")
    chooser.offer([Image(np.zeros((9, 9)), name="new"), one, other])

    assert chooser.bead.currentText() == "other"


def test_penalties_are_named(chooser):
    choose(chooser.penalty, "total variation")

    assert chooser.value() == SelfSupervision(penalty="total_variation")
    assert chooser.value().spot == Spot()


def test_every_field_explains_itself(chooser):
    fields = (
        chooser.method, chooser.gain, chooser.offset, chooser.read_noise, chooser.spot,
        chooser.wavelength, chooser.aperture, chooser.pixel, chooser.bead, chooser.penalty,
    )  # fmt: skip

    assert all(field.toolTip() for field in fields)


def test_a_spot_that_is_too_large_is_told_at_once(chooser, qtbot):
    choose(chooser.spot, COMPUTED)

    with qtbot.waitSignal(chooser.changed):
        chooser.pixel.setValue(0.001)

    assert "at most 50 px" in chooser.problem()
    with qtbot.waitSignal(chooser.changed):
        chooser.pixel.setValue(0.1)
    assert chooser.problem() is None
