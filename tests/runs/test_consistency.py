"""The consistency of a result in the record of its run."""

from __future__ import annotations

import numpy as np
import pytest
from records import record_of
from scipy.ndimage import gaussian_filter

from napari_sr import load, upscale
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.record import as_toml, for_file
from napari_sr.runs.recorded import Recorded
from napari_sr.zoo.resized import Resized


@pytest.fixture
def pair(random):
    source = random.random((40, 50)).astype(np.float32)
    return source, source.repeat(2, 0).repeat(2, 1)


def test_a_result_of_any_factor_is_compared_at_its_factor(random):
    source = gaussian_filter(random.random((40, 50)), 1.5).astype(np.float32)
    network = Resized(load("bicubic", 4), 3.3)
    result = upscale(source, network, device="cpu", value_range=(0, 1))

    found = with_consistency({**record_of(), "scale": 4, "factor": "33/10"}, source, result, "YX")

    assert found["consistency"]["rms"] < 0.02 * source.std()


def test_a_record_gets_one_more_entry_and_is_repeated_all_the_same(pair):
    record = record_of()

    found = with_consistency(record, *pair, "YX")

    assert {**found, "consistency": None} == {**record, "consistency": None}
    assert found["consistency"]["shrunk"] == "bicubic"
    assert Recorded.of(found) == Recorded.of(record)
    assert for_file(found)["consistency"] == found["consistency"]
    assert "[consistency]" in as_toml(found)


def test_the_part_and_the_model_are_those_of_the_record(pair):
    source, result = pair
    region = ((5, 35), (10, 50))
    part = result[10:70, 20:100]

    found = with_consistency(record_of(region=region), source, part, "YX")["consistency"]
    optical = with_consistency({"model": "microscope", "scale": 2}, source, result, "YX")

    assert found["of"] == 30 * 40
    assert found["pixels"] == 26 * 38  # two pixels at each inner border are unknown
    assert optical["consistency"]["shrunk"] == "bicubic"  # other weights than those that ship


def test_a_result_that_may_have_another_unit_gets_no_entry(pair):
    assert "consistency" not in with_consistency({"processing": {}, "scale": 2}, *pair, "YX")


def test_an_image_without_pixels_gets_no_entry():
    missing = np.full((30, 30), np.nan, np.float32)

    assert "consistency" not in with_consistency({}, missing, np.full((60, 60), np.nan), "YX")
