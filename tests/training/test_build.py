"""Parts of a recipe are found by file and made with its options."""

from __future__ import annotations

import pytest

from napari_sr.training.build import make, named
from napari_sr.training.component import ComponentSpec
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.losses.charbonnier import Charbonnier

LOSSES = "napari_sr.training.losses"


def test_a_part_is_its_file():
    assert named(LOSSES, "LOSS", "charbonnier", "loss.0.kind") is Charbonnier


@pytest.mark.parametrize("kind", ["l3", "_loss", "../l1"])
def test_an_unknown_part_names_the_known(kind):
    with pytest.raises(ValueError, match=r"loss.0.kind must be one of .*charbonnier.* got '"):
        named(LOSSES, "LOSS", kind, "loss.0.kind")


def test_options_reach_nested_records_as_tuples():
    options = {"camera": {"photons": [10, 20]}, "optics": {"aperture": 1.2}}

    made = make(Microscope, ComponentSpec("microscope", options), "data.degradation")

    assert made.camera.photons == (10, 20)
    assert made.optics.aperture == 1.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"epsilom": 1},
            r"loss.0.options.epsilom must be an option of charbonnier \(epsilon\), got epsilom",
        ),
        ({"epsilon": -1.0}, "loss.0: charbonnier: .*-1"),
    ],
)
def test_wrong_options_are_told_by_key_and_value(options, message):
    with pytest.raises(ValueError, match=message):
        make(Charbonnier, ComponentSpec("charbonnier", options), "loss.0")


def test_a_wrong_option_of_a_nested_record_is_told():
    with pytest.raises(ValueError, match=r"degradation: microscope: .*lenses"):
        make(Microscope, ComponentSpec("microscope", {"optics": {"lenses": 2}}), "degradation")
