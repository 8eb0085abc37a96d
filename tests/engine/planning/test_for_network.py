"""What a network decides about a run."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import Nearest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import OutsideRangeWarning
from napari_sr.engine.planning.for_network import device_for, result_layout, settings_for
from napari_sr.engine.planning.settings import Settings
from napari_sr.graph.processing import Processing

IMAGE = np.zeros((4, 5), np.uint16)
LAYOUT = layout_of(IMAGE.shape, IMAGE.dtype)


@pytest.fixture
def network():
    network = Nearest(scale=2, channels=1)
    network.processing = Processing(1)
    return network


def test_pixels_enter_as_they_are_stored(network):
    assert settings_for(Settings(), network, IMAGE, LAYOUT).value_range == (0.0, 1.0)
    # a record of such a run can be repeated
    again = Settings(value_range=(0.0, 1.0))
    assert settings_for(again, network, IMAGE, LAYOUT).value_range == (0.0, 1.0)
    with pytest.warns(OutsideRangeWarning, match=r"black and white, \(0, 4095\), are not used"):
        found = settings_for(Settings(value_range=(0, 4095)), network, IMAGE, LAYOUT)
    assert found.value_range == (0.0, 1.0)


def test_results_are_floats_if_they_have_another_unit(network):
    assert result_layout(LAYOUT, network, Settings()).dtype == np.float32
    network.processing = None
    assert result_layout(LAYOUT, network, Settings()).dtype == np.uint16
    assert result_layout(LAYOUT, network, Settings(unrounded=True)).dtype == np.float32


def test_a_network_for_the_cpu_runs_there(network, monkeypatch):
    chosen = []
    monkeypatch.setattr(
        "napari_sr.engine.planning.for_network.choose_device",
        lambda name: chosen.append(name) or name,
    )

    assert device_for(network, Settings(device="cuda")) == "cuda"
    network.on_cpu = True
    assert device_for(network, Settings(device="cuda")) == "cpu"
