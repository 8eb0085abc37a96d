import json

import numpy as np
import pytest
from fakes import Nearest, finish

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings


def run(image, settings, radius=0):
    return finish(upscale_array(image, Nearest(radius=radius), settings))[1]


def test_a_record_tells_settings_versions_engine_and_time(random):
    image = random.random((20, 20)).astype(np.float32)
    record = run(image, Settings(tile=10, device="cpu", engine="torch")).record

    assert json.loads(json.dumps(record))["network"] == "Nearest"
    assert (record["tile"], record["scale"], record["device"]) == (10, 2, "cpu")
    assert record["engine"]["name"] == "torch"
    assert set(record["versions"]) == {"napari-sr", "torch", "numpy"}
    assert record["kernels"]["launched"] == {}
    assert 0 < record["seconds"] < 60


@pytest.mark.parametrize("asked", [{}, {"tile": 12}, {"value_range": Percentiles(5, 95)}])
def test_the_settings_of_a_record_repeat_the_run(random, asked):
    image = random.random((20, 22)).astype(np.float32)
    first = run(image, Settings(device="cpu", **asked), radius=1)

    again = run(image, Settings(**first.record["settings"]), radius=1)

    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert again.record["settings"] == first.record["settings"]
    assert first.record["settings"]["tile"] >= first.record["tile"]
