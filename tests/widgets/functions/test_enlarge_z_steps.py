"""How the form *Enlarge Z* computes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.runs.run import drive
from napari_sr.widgets.common.layer_source import source_of
from napari_sr.widgets.functions.enlarge_z_steps import distance_of_planes, enlarge_steps, way_of


def test_contrast_limits_are_black_and_white(viewer):
    pixels = np.zeros((3, 8, 9), np.uint16)
    layer = viewer.add_image(pixels, contrast_limits=(100, 900))

    way = way_of(layer, "network", "fsrcnn")

    assert way.settings.value_range == (100, 900)
    assert way.model.known_scale == 2
    layer.data = pixels.astype(np.uint8)
    assert way_of(layer, "network", "fsrcnn").settings.value_range is None
    assert way_of(layer, "interpolation", "fsrcnn") is None
    with pytest.raises(ValueError, match="by must be interpolation or network, got 'x'"):
        way_of(layer, "x", "fsrcnn")


def test_each_step_says_what_is_computed(viewer, random):
    pixels = random.random((4, 10, 12)).astype(np.float32)
    layer = viewer.add_image(pixels, scale=(3, 1, 1), contrast_limits=(0, 1))
    told = []

    found = drive(
        enlarge_steps(source_of(layer), 2, way_of(layer, "network", "fsrcnn")),
        lambda step: told.append(step.doing),
    )

    assert found.shape == (8, 10, 12)
    assert "Planes XZ and YZ: 100 %" in told
    assert told[-1] == "Interpolating"
    assert distance_of_planes(layer) == 3
