"""The memory that a run needs, and out-of-memory errors of all origins."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest
import torch
from fakes import Global, Nearest, finish

from napari_sr.engine.execution import context, plane, plane_output, prepared, upscale
from napari_sr.engine.execution import feature_store as features
from napari_sr.engine.execution.ensemble import Mean, OrientedPlane
from napari_sr.engine.execution.feature_store import FeatureStore
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image import value_range
from napari_sr.engine.image.arrays import Layout, layout_of
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.budget import budget, explain_memory_errors, fit_to_memory
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings


class Lazy:
    """An array that is read on demand, and counts the reads."""

    def __init__(self, shape, dtype="uint8"):
        self.shape, self.dtype, self.read = shape, np.dtype(dtype), 0

    def __getitem__(self, index):
        self.read += 1
        return np.zeros(self.shape, self.dtype)[index]


def planned(image, network, **settings):
    layout = layout_of(image.shape, image.dtype)
    return layout, make_plan(layout, network, Settings(device="cpu", **settings))


def taken(image, network, **settings):
    layout, plan = planned(image, network, **settings)
    return budget(layout, plan, network, lazy=not isinstance(image, np.ndarray))


def test_result_plane_and_tile_are_counted():
    lazy = taken(Lazy((400, 300), "uint16"), Nearest(scale=3), tile=50)
    array = taken(np.zeros((400, 300), np.uint16), Nearest(scale=3), tile=50)

    assert lazy.result == array.result == 400 * 300 * 9 * 2
    # pixels that are read on demand are copies
    assert lazy.plane - array.plane == 400 * 300 * 2
    # image, and result twice as wide and then twice as high: see test_memory
    assert lazy.tile > 50 * 50 * 4 * (1 + 3 + 9)


def test_the_mean_of_an_ensemble_is_counted():
    image = np.zeros((40, 30), np.uint8)

    more = taken(image, Nearest(), ensemble=True).spilled - taken(image, Nearest()).spilled

    assert more >= 4 * 4 * 40 * 30


@pytest.mark.parametrize("shape", [(200, 200), (3, 200, 200), (200, 200, 3)], ids=str)
def test_one_byte_more_than_the_result_is_not_enough(shape, monkeypatch):
    image = Lazy(shape)
    network = Nearest(channels=3 if shape[-1] == 3 else 1)
    monkeypatch.setattr(prepared, "free_memory", lambda device: 4 * int(np.prod(shape)) + 1)

    with pytest.raises(OutOfMemoryError, match=r"the result, .* of uint8, needs .* MiB"):
        next(upscale_array(image, network, Settings(device="cpu", tile=32)))

    assert image.read == 0


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int16", "float64"])
@pytest.mark.parametrize("shape", [(10**4, 10**5, 10**5), (10**7, 10**7)], ids=str)
def test_what_cannot_fit_is_refused_before_it_is_read(shape, dtype):
    image = Lazy(shape, dtype)
    settings = Settings(device="cpu", value_range=Percentiles())

    with pytest.raises(OutOfMemoryError, match=r"GiB are free: upscale a part"):
        next(upscale_array(image, Nearest(), settings))

    assert image.read == 0


def test_tiles_become_smaller_before_a_run_is_refused():
    image, network = Lazy((600, 600)), Nearest()
    layout, plan = planned(image, network, tile=600)
    needed = budget(layout, plan, network, lazy=True)

    smaller = fit_to_memory(layout, plan, network, needed.total - needed.tile // 2, lazy=True)

    assert fit_to_memory(layout, plan, network, needed.total, lazy=True) is plan
    assert smaller.tile == 300


def test_a_result_that_is_written_shard_by_shard_takes_the_memory_of_some_shards():
    network = Global()
    layout, plan = planned(Lazy((30_000, 20_000), "uint16"), network, tile=1000)

    needed = budget(layout, plan, network, lazy=True, shards=True)

    assert plan.stages.largest_tile[0] <= 1024
    assert needed.result == 2 * 1024 * 20_000 * 4 * 2  # a tile touches at most two rows
    with pytest.raises(OutOfMemoryError, match="reads whole planes, and one plane of the image"):
        fit_to_memory(layout, plan, network, needed.plane, lazy=True, shards=True)


def test_a_requested_tile_that_became_smaller_is_reported(monkeypatch):
    image, network = np.zeros((600, 600), np.uint8), Nearest()
    needed = taken(image, network, tile=600)
    monkeypatch.setattr(prepared, "free_memory", lambda device: needed.total - 1)

    progress, result = finish(upscale_array(image, network, Settings(device="cpu", tile=600)))

    assert "tiles of 600 px do not fit into memory" in progress[0].message
    assert result.record["tile"] == 300


ERRORS = [
    MemoryError("Unable to allocate 9.00 TiB"),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
]
PLACES = [
    (prepared, "make_plan"),
    (upscale, "checked_range"),
    (value_range, "check_values"),
    (value_range, "value_range_of"),
    (upscale, "release"),
    (Layout, "read"),
    (Layout, "write"),
    (upscale, "fill_missing"),
    (plane_output.PlaneOutput, "__init__"),
    (plane_output.PlaneOutput, "put"),
    (OrientedPlane, "read"),
    (OrientedPlane, "write"),
    (Mean, "__init__"),
    (Mean, "add"),
    (context, "on_device"),
    (plane, "run_stages"),
    (FeatureStore, "read"),
    (FeatureStore, "write"),
    (features, "trim"),
]


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [(*place, error) for place, error in zip(PLACES, cycle(ERRORS), strict=False)],
    ids=lambda one: getattr(one, "__name__", str(one)[:20]),
)
def test_lack_of_memory_anywhere_is_reported_in_a_sentence(owner, name, error, monkeypatch, random):
    def fails(*args, **options):
        raise error

    monkeypatch.setattr(owner, name, fails)
    image = random.random((40, 41)).astype(np.float32)
    settings = Settings(device="cpu", tile=20, ensemble=True)

    with pytest.raises(OutOfMemoryError, match=r"memory ran out while|not even tiles of"):
        finish(upscale_array(image, Global(least_size=16), settings))


def test_other_errors_are_not_changed():
    with pytest.raises(RuntimeError, match="size mismatch"), explain_memory_errors("testing"):
        raise RuntimeError("size mismatch")


def test_an_error_of_the_caller_is_not_changed(random):
    steps = upscale_array(random.random((20, 20)), Nearest(), Settings(device="cpu", tile=10))
    next(steps)

    with pytest.raises(KeyError, match="mine"):
        steps.throw(KeyError("mine"))


def test_the_spread_is_counted_in_the_result_and_in_the_mean():
    image = np.zeros((40, 30), np.uint8)

    with_spread = taken(image, Nearest(), ensemble=True, spread=True)
    without = taken(image, Nearest(), ensemble=True)

    values = 4 * 40 * 30
    assert with_spread.result - without.result == 4 * values
    assert with_spread.spilled - without.spilled == 4 * values
