"""By how many pixels planes are extended, for each kind of network."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import Chunked, Global, Nearest

import napari_sr
from napari_sr import models
from napari_sr.engine.planning.border import (
    BORDERS,
    USUAL_WIDTH,
    border_width,
    check_border,
    decided_border,
)
from napari_sr.engine.planning.settings import Settings


def width(network, border="auto"):
    return border_width(network, Settings(border=border))


@pytest.mark.parametrize(
    ("name", "auto", "reflect"),
    [("fsrcnn", 6, 6), ("srgan", 9, 9), ("srcnn", 0, 0), ("interpolation", 0, 0), ("bsrn", 0, 6)],
)
def test_the_width_depends_on_the_network(name, auto, reflect):
    record = models.architecture(name)
    network = record.network(
        **{**record.example, "blocks": 9} if name == "srgan" else record.example
    )

    assert [width(network, border) for border in BORDERS] == [auto, reflect, 0]


def test_no_plane_is_extended_further_than_its_network_sees():
    assert [width(Nearest(radius=radius)) for radius in (0, 2, 40)] == [0, 2, USUAL_WIDTH]


@pytest.mark.parametrize(("multiple", "expected"), [(2, 6), (4, 8), (5, 10)])
def test_tiles_stay_aligned(multiple, expected):
    assert width(Nearest(radius=40, multiple=multiple)) == expected


@pytest.mark.parametrize("network", [Global(), Chunked()], ids=["global", "attention"])
def test_values_of_the_whole_image_stay_those_of_the_image_unless_the_user_asks(network):
    assert [width(network, border) for border in BORDERS] == [0, USUAL_WIDTH, 0]


@pytest.mark.parametrize("attribute", ["exact", "whole"])
def test_a_network_that_is_only_guessed_or_wants_the_whole_image_is_not_extended(attribute):
    network = Nearest(radius=9)
    setattr(network, attribute, attribute == "whole")

    assert [width(network, border) for border in BORDERS] == [0, USUAL_WIDTH, 0]


def test_the_number_of_wrong_pixels_that_an_author_states_is_the_width():
    network = Nearest(radius=9)
    network.exact, network.pads_with_zeros, network.border_halo = False, False, 5

    assert [width(network, border) for border in BORDERS] == [5, 5, 0]
    network.multiple = 4
    assert width(network) == 8


def test_the_decision_is_in_words():
    assert decided_border(Nearest(radius=3), Settings()) == "reflect"
    assert decided_border(Nearest(), Settings()) == "zeros"


@pytest.mark.parametrize("border", ["mirror", None, 6])
def test_other_words_are_refused(border):
    with pytest.raises(ValueError, match=f"one of auto, reflect, zeros, got {border!r}"):
        check_border(border)
    with pytest.raises(ValueError, match=f"one of auto, reflect, zeros, got {border!r}"):
        napari_sr.upscale(np.zeros((4, 4), np.float32), device="cpu", border=border)


SHIPPED = (
    "fsrcnn-x2", "fsrcnn-x3", "fsrcnn-x4", "edsr-slim-x2", "edsr-slim-x3", "edsr-slim-x4",
    "microscope-x2",
)  # fmt: skip


@pytest.mark.parametrize("level", [0, 0.5, 1])
@pytest.mark.parametrize("model", SHIPPED)
def test_a_flat_image_stays_flat_to_its_edges(model, level):
    flat, network = np.full((25, 30), level, np.float32), napari_sr.load(model)

    def differs(border):
        result = napari_sr.upscale(flat, network, engine="torch", border=border, outliers="keep")
        scale, middle = network.scale, 12 * network.scale
        pattern = result[middle : middle + scale, middle : middle + scale]
        return 255 * float(np.abs(result - np.tile(pattern, flat.shape)).max())

    assert differs("auto") < 1
    if (model, level) == ("fsrcnn-x4", 0):
        assert differs("zeros") > 5
