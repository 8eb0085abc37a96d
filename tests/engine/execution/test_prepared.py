from types import SimpleNamespace

import numpy as np
import pytest
from fakes import Nearest, finish

from napari_sr.engine.execution import prepared as module
from napari_sr.engine.execution.prepared import prepare
from napari_sr.engine.execution.upscale import Planes, upscale_planes
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import Filled
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.engine.planning.settings import Settings

SETTINGS = Settings(device="cpu")


class Recording:
    """An output that remembers what is written."""

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)
        self.parts = []

    def __setitem__(self, index, values):
        self.parts.append((index, values.copy()))


def test_planes_are_read_written_and_finished_one_after_the_other(random):
    stack = random.random((3, 8, 9)).astype(np.float32)
    layout = layout_of(stack.shape, stack.dtype, "BYX")
    events, output = [], Recording("float32")

    def read(index):
        events.append(("read", index))
        return Filled(stack[index][..., None], None)

    planes = Planes(
        layout, read, ValueRange(0, 1), output, lambda index: events.append(("done", index))
    )
    prepared = prepare(layout, Nearest(), SETTINGS, lazy=True)

    progress, record = finish(upscale_planes(prepared, planes))

    assert events == [(what, (n,)) for n in range(3) for what in ("read", "done")]
    assert [index[0] for index, _ in output.parts] == [0, 1, 2]
    for number, (_, values) in enumerate(output.parts):
        np.testing.assert_allclose(values, stack[number].repeat(2, 0).repeat(2, 1))
    assert progress[-1].share == 1
    assert record["device"] == "cpu"


def test_missing_pixels_are_missing_in_the_result():
    pixels = np.ones((4, 4, 1), np.float32)
    missing = np.zeros((4, 4, 1), bool)
    missing[1, 2] = True
    layout = layout_of((4, 4), "float32")
    output = np.zeros((8, 8), np.float32)
    planes = Planes(layout, lambda index: Filled(pixels, missing), ValueRange(0, 1), output)

    finish(upscale_planes(prepare(layout, Nearest(), SETTINGS, lazy=True), planes))

    assert np.isnan(output[2:4, 4:6]).all()
    assert np.isnan(output).sum() == 4


def test_a_run_is_refused_before_anything_is_read():
    layout = layout_of((4, 4), "uint8")

    with pytest.raises(ValueError, match="'mark' writes NaN"):
        prepare(layout, Nearest(), Settings(device="cpu", outliers="mark"), lazy=True)
    with pytest.raises(OutOfMemoryError, match="needs"):
        prepare(layout_of((2**22, 2**22), "uint8"), Nearest(), SETTINGS, lazy=True)


def test_closing_a_run_closes_its_engine(random):
    layout = layout_of((8, 8), "float32")
    prepared = prepare(layout, Nearest(), SETTINGS, lazy=True)
    closed = []
    prepared.backend.close = lambda: closed.append(True)
    image = random.random((8, 8, 1)).astype(np.float32)
    output = np.zeros((16, 16), np.float32)
    steps = upscale_planes(
        prepared, Planes(layout, lambda index: Filled(image, None), ValueRange(0, 1), output)
    )
    next(steps)

    steps.close()

    assert closed == [True]


def test_features_that_fit_nowhere_are_refused_before_the_run(example, monkeypatch):
    network, layout = example("bsrn"), layout_of((900, 900), "uint8")
    settings = Settings(device="cpu", tile=64)
    needed = prepare(layout, network, settings, lazy=True).plan.spilled_bytes
    assert needed > 2**20
    disk = SimpleNamespace(free=module.LEFT_FREE + 2**20)
    monkeypatch.setattr(module.psutil, "disk_usage", lambda folder: disk)

    monkeypatch.setattr(module, "memory_for_features", lambda: needed - 2**20)
    prepare(layout, network, settings, lazy=True)
    monkeypatch.setattr(module, "memory_for_features", lambda: needed - 2**20 - 1)

    with pytest.raises(OutOfMemoryError, match=r"reads whole planes, and .* NAPARI_SR_SCRATCH"):
        prepare(layout, network, settings, lazy=True)
