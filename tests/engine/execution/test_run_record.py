import json

import numpy as np
from fakes import Nearest, finish

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import Settings


def record_of(image, **settings):
    return finish(upscale_array(image, Nearest(), Settings(device="cpu", **settings)))[1].record


def test_a_record_tells_settings_versions_engine_and_time(random):
    record = record_of(random.random((20, 20)).astype(np.float32), tile=10, engine="torch")

    assert json.loads(json.dumps(record))["network"] == "Nearest"
    assert (record["tile"], record["scale"], record["device"]) == (10, 2, "cpu")
    assert record["engine"]["name"] == "torch"
    assert set(record["versions"]) == {"napari-sr", "torch", "numpy"}
    assert record["kernels"]["launched"] == {}
    assert 0 < record["seconds"] < 60
