"""A stack that is enlarged along Z block by block equals the one that is enlarged in memory."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

import napari_sr
from napari_sr.engine.image import axial as engine

HOW = {"device": "cpu", "engine": "torch", "value_range": (0, 255)}


@pytest.mark.parametrize(
    ("model", "axes", "kind"),
    [
        ("fsrcnn", "ZYX", "uint8"), ("fsrcnn", "TZCYX", "float32"), ("fsrcnn", "ZYXS", "uint16"),
        ("bsrn", "TZYX", "uint8"),
    ],
)  # fmt: skip
def test_blocks_give_the_stack_that_is_computed_in_memory(model, axes, kind, random, example):
    network = example("bsrn") if model == "bsrn" else napari_sr.load(model, 2)
    sizes = {"T": 2, "C": 2, "Z": 5, "Y": 34, "X": 260, "S": 3}
    image = (255 * random.random([sizes[axis] for axis in axes])).astype(kind)
    expected = napari_sr.upscale(image, network, axes=axes, axial=2.5, **HOW)
    sides = {"Y": 64, "X": 512}
    chunks = [sides.get(axis, size) for axis, size in zip(axes, expected.shape, strict=True)]
    out = zarr.create_array({}, shape=expected.shape, chunks=chunks, dtype=kind)

    napari_sr.upscale(image, network, axes=axes, axial=2.5, out=out, **HOW)

    assert expected.shape[axes.index("Z")] == 13
    furthest = np.abs(out[:].astype(float) - expected.astype(float)).max()
    assert furthest <= (1e-3 if kind == "float32" else 1)


def test_a_region_and_a_small_memory(random, monkeypatch):
    image = random.random((7, 90, 100)).astype(np.float32)
    held = []

    class Watched(engine.PlanesAlongZ):
        def add(self, number, plane):
            super().add(number, plane)
            held.append(len(self._held))

    monkeypatch.setattr("napari_sr.streaming.axial.PlanesAlongZ", Watched)
    region = (10, 50), (20, 60)
    out = np.empty((21, 80, 80), np.float32)

    napari_sr.upscale(image, "fsrcnn", 2, axial=3, region=region, out=out, device="cpu")

    whole = napari_sr.upscale(image, "fsrcnn", 2, axial=3, region=region, device="cpu")
    np.testing.assert_allclose(out, whole, atol=1e-5)
    assert max(held) <= 5


def test_an_array_that_does_not_fit_and_the_network_are_refused():
    image = np.zeros((3, 8, 8), np.float32)

    with pytest.raises(ValueError, match=r"shape \(6, 16, 16\)"):
        napari_sr.upscale(image, "fsrcnn", 2, axial=2, out=np.zeros((3, 16, 16), np.float32))
    with pytest.raises(ValueError, match="only enlarge Z in memory"):
        napari_sr.upscale(
            image, "fsrcnn", 2, axial=2, axial_by="network", out=np.zeros((6, 16, 16), np.float32)
        )
