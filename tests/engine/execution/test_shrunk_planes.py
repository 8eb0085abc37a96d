"""Planes of a result are shrunk one by one, when they are complete."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fakes import Nearest, finish

from napari_sr.engine.execution.partial_result import PartialResult
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.factor import reference_at
from napari_sr.runs.run import Request, drive, run_request
from napari_sr.zoo.resized import Resized

NETWORK = Resized(Nearest(scale=3), Fraction(5, 2))
SETTINGS = Settings(device="cpu", engine="torch", tile=12)


@pytest.mark.parametrize("axes", ["ZYX", "YZX", "ZYXS", "XY"])
def test_axes_keep_their_places(axes, random):
    sizes = {"Z": 2, "Y": 14, "X": 20, "S": 3}
    image = (random.random([sizes[axis] for axis in axes]) * 255).astype(np.uint8)
    found = finish(upscale_array(image, NETWORK, SETTINGS, axes=axes))[1].pixels

    y, x = axes.index("Y"), axes.index("X")
    assert (found.shape[y], found.shape[x]) == (35, 50)
    assert found.dtype == np.uint8
    at = tuple(0 if axis == "Z" else slice(None) for axis in axes)
    plane, result = image[at], found[at]
    if axes == "XY":
        plane, result = plane.T, result.T
    alone = finish(upscale_array(np.ascontiguousarray(plane), NETWORK, SETTINGS))[1].pixels
    np.testing.assert_array_equal(result, alone)


@pytest.mark.parametrize("kind", ["uint8", "float32"])
@pytest.mark.parametrize("region", [None, ((3, 21), (2, 25))])
@pytest.mark.parametrize("samples", [(), (3,)])
def test_the_record_counts_what_is_in_the_result(kind, region, samples, random):
    image = (random.random((24, 28, *samples)) > 0.5) * 200.0 + 30
    image = image.astype(kind)
    model = reference_at("bicubic", 2.5)
    settings = replace(SETTINGS, value_range=(0, 255), tile=None)
    floats = drive(run_request(Request(image.astype(float), model, settings, None, region))).pixels

    found = drive(run_request(Request(image, model, settings, None, region)))

    guards, pixels = found.record["guards"], found.pixels.astype(float)
    assert guards["result_from_to"] == (pixels.min(), pixels.max())
    assert guards["beyond_source"] == ((pixels < 30) | (pixels > 230)).sum()
    assert guards["above_source_by"] == pytest.approx(pixels.max() - 230)
    cut = ((floats < -0.5) | (floats > 255.5)).sum() if kind == "uint8" else 0
    assert guards["cut_off_at_type"] == cut
    assert (cut > 0) == (kind == "uint8")


def test_a_cancelled_run_keeps_whole_planes(random):
    stack = random.random((3, 30, 30)).astype(np.float32)
    whole = finish(upscale_array(stack, NETWORK, SETTINGS))[1].pixels
    partial = PartialResult()
    steps = upscale_array(stack, NETWORK, SETTINGS, partial=partial)
    for progress in steps:
        if progress.share > 0.5:
            break
    steps.close()

    kept = partial.finished()

    assert kept.spans == ((0, 1), (0, 75), (0, 75))
    np.testing.assert_array_equal(kept.pixels, whole[:1])
