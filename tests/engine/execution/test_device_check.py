"""Apple GPUs, simulated: a CPU is compared with itself, and one of the two results is changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import Nearest, finish
from stages import example

from napari_sr.engine.execution import device_check
from napari_sr.engine.execution import prepared as run_module
from napari_sr.engine.execution.device_check import trusted_settings
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def checked(monkeypatch):
    """Check the CPU like an Apple GPU."""
    monkeypatch.setattr(run_module, "CHECKED", ("cpu",))


def wrong_by(monkeypatch, error):
    """Make the device compute wrongly, but not the CPU that it is compared with."""
    calls = []

    def enlarge(network, image):
        calls.append(image)
        result = network(image)
        return result * (1 + error) if len(calls) % 2 == 0 else result

    monkeypatch.setattr(device_check, "enlarge", enlarge)
    return calls


def trusted(network=None, **options):
    network = Nearest() if network is None else network
    settings = Settings(device="cpu", **options)
    plan = make_plan(layout_of((40, 50), "uint8"), network, settings)
    return trusted_settings(network, 1, plan, replace(settings, device="mps"))


@pytest.mark.parametrize("name", ["fsrcnn", "bsrn"])
def test_a_right_device_is_used(name):
    settings, why = trusted(example(name, channels=1))

    assert (settings.device, why) == ("mps", "")


@pytest.mark.parametrize("error", [0.01, -0.01, float("nan")])
def test_a_wrong_device_is_replaced_by_the_cpu(monkeypatch, error):
    wrong_by(monkeypatch, error)

    settings, why = trusted()

    assert settings.device == "cpu"
    assert "computes this network wrongly" in why


def test_rounding_does_not_make_a_device_wrong(monkeypatch):
    wrong_by(monkeypatch, 1e-5)

    assert trusted()[1] == ""


def test_a_network_is_checked_once(monkeypatch):
    calls, network = wrong_by(monkeypatch, 0.0), Nearest()

    trusted(network)
    trusted(network)

    assert len(calls) == 2


def test_an_operation_that_neither_has_is_a_reason(monkeypatch):
    def enlarge(network, image):
        if image.dtype == torch.float16:
            raise NotImplementedError("no such operation")
        return network(image)

    monkeypatch.setattr(device_check, "enlarge", enlarge)

    settings, why = trusted(precision="float16")

    assert (settings.device, settings.precision) == ("cpu", "auto")
    assert "cannot compute this network (no such operation)" in why


def test_a_lack_of_memory_is_not_a_wrong_result(monkeypatch):
    def enlarge(network, image):
        raise RuntimeError("MPS backend out of memory")

    monkeypatch.setattr(device_check, "enlarge", enlarge)

    with pytest.raises(RuntimeError, match="out of memory"):
        trusted()


def test_a_run_reports_the_wrong_device_and_its_result_is_right(monkeypatch, random):
    wrong_by(monkeypatch, 0.5)
    image = random.random((30, 40)).astype(np.float32)

    progress, result = finish(upscale_array(image, Nearest(), Settings(device="cpu")))

    assert "the CPU computes the image instead" in progress[0].message
    assert any("wrongly (by 5.0e-01" in note for note in result.record["notes"])
    np.testing.assert_array_equal(result.pixels, image.repeat(2, 0).repeat(2, 1))


def test_other_devices_are_not_checked(monkeypatch, random):
    monkeypatch.setattr(run_module, "CHECKED", ("mps",))
    monkeypatch.setattr(device_check, "enlarge", lambda *_: pytest.fail("was checked"))

    finish(upscale_array(random.random((9, 9)), Nearest(), Settings(device="cpu")))
