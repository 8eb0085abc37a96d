"""Error bounds of the networks that ship: readable, and right on unseen images."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import napari_sr
from napari_sr.evaluation.conformal import LEVELS
from napari_sr.evaluation.known_calibration import calibration_in
from napari_sr.evaluation.sets import ImageSet
from napari_sr.training.data.camera import Camera
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.data.optics import Optics
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.synthetic import SyntheticImages
from napari_sr.zoo.calibrations import FILE, shipped_calibration, write
from napari_sr.zoo.registry import entries

KNOWN = json.loads(FILE.read_text())
SHIPS = {entry.sha256: entry for entry in entries() if entry.url is None and not entry.computed}
CALIBRATED = ("fsrcnn", "edsr-slim", "microscope", "micrograph")
PHOTOGRAPHS = [entry.name for entry in SHIPS.values() if entry.family in CALIBRATED[:2]]
TABLE = Path(__file__).parents[2] / "benchmarks" / "quality" / "shipped_calibration.md"
SIDE = 48
"""Side of a crop of an LR image in pixels: results of whole images would take minutes."""
LUMA = np.array([0.299, 0.587, 0.114])


def calibration_of_model(network):
    return calibration_in({"calibration": shipped_calibration(network.provenance["sha256"])})


def covered(network, pairs, level=0.9):
    """Return the share of pixels whose error is below its bound, as a mean over images."""
    inner = (slice(network.scale, -network.scale),) * 2
    known, shares = calibration_of_model(network), []
    for lr, hr in pairs:
        result, spread = napari_sr.uncertainty(
            lr, network, axes="YX", value_range=(0, 1), device="cpu"
        )
        inside = np.abs(result - hr)[inner] <= known.bound(spread[inner], level)
        shares.append(inside.mean())
    return float(np.mean(shares))


def grey(image):
    wide = image.astype(np.float64) / 255
    return (wide @ LUMA if wide.ndim == 3 else wide).astype(np.float32)


def crops(folder, scale):
    """Yield the middle of every second image of Set14, which no calibration has seen."""
    for pair in list(ImageSet(folder).pairs(scale))[1::2]:
        lr, hr = grey(pair.lr), grey(pair.hr)
        top, left = (max(size - SIDE, 0) // 2 for size in lr.shape)
        rows, columns = slice(top, top + SIDE), slice(left, left + SIDE)
        large = (slice(scale * one.start, scale * one.stop) for one in (rows, columns))
        yield lr[rows, columns], hr[tuple(large)]


def test_each_calibration_is_readable_and_belongs_to_weights_that_ship():
    for sha256, entry in KNOWN.items():
        assert SHIPS[sha256].name == entry["model"]
        found = calibration_in({"calibration": shipped_calibration(sha256)})
        assert found.levels == LEVELS
        assert found.limits
    names = {entry["model"] for entry in KNOWN.values()}
    assert names >= {entry.name for entry in SHIPS.values() if entry.family in CALIBRATED}
    assert shipped_calibration("0" * 64) is None


def test_the_stated_limits_are_those_of_the_table():
    rows = [line.split(" | ") for line in TABLE.read_text().splitlines()]
    for entry in KNOWN.values():
        measured = [
            float(row[at].rstrip("%"))
            for row in rows if row[0] == f"| {entry['model']}" for at in (4, 6)
        ]  # fmt: skip
        told = [int(found) for found in re.findall(r"(\d+)%", entry["limits"])]
        assert told == pytest.approx(measured, abs=0.51)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_bounds_of_networks_for_photographs_hold_on_the_other_half_of_the_set(name, shared):
    network = napari_sr.load(name)

    share = covered(network, crops(shared / "data" / "Set14", network.scale))

    # seven crops; whole images have 88 to 89 %
    assert 0.85 < share < 0.93


def test_bounds_of_microscope_hold_on_other_simulated_images():
    network = napari_sr.load("microscope", 2)
    degraded = Microscope(
        Optics(wavelength=(0.45, 0.65), aperture=(0.6, 1.2), pixel=(0.15, 0.3)),
        Camera(photons=(30.0, 2000.0), read_noise=(1.0, 3.0)),
    )
    pictures = SyntheticImages(12, seed=9000).pictures()
    found = Pairs(pictures, degraded, scale=2, channels=1, full_range=True)
    whole = (found.whole(number, np.random.default_rng(number)) for number in range(12))

    share = covered(network, ((small[0].numpy(), large[0].numpy()) for small, large in whole))

    assert 0.82 < share < 0.96


def test_what_is_written_can_be_read(tmp_path):
    write(KNOWN, tmp_path / "a.json")

    assert (tmp_path / "a.json").read_text() == FILE.read_text()
