"""A network enlarges the planes XZ and YZ of a stack; their mean is the stack enlarged along Z."""

from __future__ import annotations

import numpy as np

import napari_sr
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs import axial_network
from napari_sr.runs.axial_network import along_z, of_stack
from napari_sr.runs.run import drive

CPU = Settings(device="cpu", engine="torch")


def enlarged(pixels, network, settings=CPU, axes="ZYX"):
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    return drive(along_z(of_stack(pixels, layout, network, settings)))


def test_the_result_is_the_mean_of_both_kinds_of_planes(random):
    stack = (250 * random.random((4, 9, 11))).astype(np.uint8)
    network = napari_sr.load("fsrcnn", 2)

    found = enlarged(stack, network)

    def upscaled(plane):
        floats = plane.astype(np.float32)
        how = {"axes": "YX", "device": "cpu", "engine": "torch", "value_range": (0, 255)}
        return napari_sr.upscale(floats, network, **how)

    assert found.shape == (8, 9, 11)
    for row, column in ((0, 3), (8, 10), (4, 0)):
        xz, yz = upscaled(stack[:, row]), upscaled(stack[:, :, column])
        both = (xz.reshape(8, 11, 2).mean(2)[:, column], yz.reshape(8, 9, 2).mean(2)[:, row])
        np.testing.assert_allclose(found[:, row, column], np.mean(both, 0), atol=1e-3)


def test_parts_of_a_stack_give_the_same_result_with_the_same_settings(random, monkeypatch):
    """Black, white and noise are those of the whole stack, however small the parts are."""
    stack = random.random((2, 3, 40, 26)).astype(np.float32) * np.linspace(0.2, 1, 40)[:, None]
    stack = stack.astype(np.float32)
    network = napari_sr.load("micrograph", 2)
    settings = Settings(device="cpu", engine="torch", value_range=Percentiles(1, 99))
    whole = enlarged(stack, network, settings, "TZYX")

    monkeypatch.setattr(axial_network, "MOST_VALUES", 4000)
    parts = enlarged(stack, network, settings, "TZYX")

    assert whole.shape == (2, 6, 40, 26)
    np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_missing_pixels_stay_missing_only_where_they_are(random):
    stack = random.random((4, 20, 22)).astype(np.float32)
    stack[1, 10, 10] = np.nan

    found = enlarged(stack, napari_sr.load("fsrcnn", 2))

    assert set(map(tuple, np.argwhere(np.isnan(found)))) == {(2, 10, 10), (3, 10, 10)}
