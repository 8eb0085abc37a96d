"""A whole plane is computed in a thread, which can be paused, stopped and started again."""

import copy

import numpy as np
import pytest
from fakes import Global
from forms import PATIENCE, Failing, Gated
from superqt.utils import WorkerBase

from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.runs.model import ModelReference
from napari_sr.runs.source import Source
from napari_sr.streaming.preview_request import PreviewRequest
from napari_sr.widgets.upscale.whole_plane import WholePlane

DATA = np.arange(48 * 40, dtype=np.uint16).reshape(48, 40)
TILED = Settings(device="cpu", tile=16)


class Slow(Global, Gated):
    """Needs the whole plane, and computes a tile only when the test lets it."""

    def __deepcopy__(self, memo):
        copied = Global(scale=self.scale)
        copied.weight = copy.deepcopy(self.weight, memo)
        return copied.train(self.training)


@pytest.fixture
def plane(qtbot, loader):
    loader.network = Global()
    plane = WholePlane()
    yield plane
    if isinstance(loader.network, Gated):
        loader.network.permits.release(1000)
    plane.forget()
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)  # what the workers told last is dealt with


def request(data=DATA):
    region = Region(slice(0, 1), slice(0, 1))
    source = Source("cells", data, data.shape, "YX", False)
    model = ModelReference("bsrn-x2")
    return PreviewRequest(source, (), region, model, TILED, whole_plane=True)


def gated(loader, qtbot, plane):
    """Begin a plane whose tiles wait, and wait until the first one does."""
    loader.network = network = Slow(scale=2)
    plane.begin(request())
    qtbot.waitUntil(lambda: network.begun.acquire(blocking=False), timeout=PATIENCE)
    return network


def completed(plane, qtbot):
    qtbot.waitUntil(lambda: plane.is_complete and plane._worker is None, timeout=PATIENCE)


def test_all_parts_are_kept_and_told(plane, qtbot):
    parts = []
    plane.got.connect(parts.append)

    plane.begin(request())
    completed(plane, qtbot)

    assert plane.share == 1
    assert {part.core.spans for part in parts} == set(plane.blocks)
    assert sum(block.size for block in plane.blocks.values()) == 4 * DATA.size


def test_a_plane_is_computed_once(plane, qtbot, loader):
    plane.begin(request())
    completed(plane, qtbot)
    loader.network.compute = None

    plane.begin(request())

    assert plane._worker is None


def test_a_paused_plane_waits_and_goes_on(plane, qtbot, loader):
    network = gated(loader, qtbot, plane)
    plane.pause()
    network.permits.release(1000)
    qtbot.waitUntil(lambda: plane._worker.is_paused, timeout=PATIENCE)
    assert not plane.is_complete

    plane.resume()

    completed(plane, qtbot)


def test_a_pause_may_end_before_the_worker_has_noticed_it(plane, qtbot, loader):
    network = gated(loader, qtbot, plane)
    plane.pause()
    plane.resume()
    network.permits.release(1000)

    completed(plane, qtbot)


def test_a_plane_that_begins_during_a_pause_waits(plane, qtbot):
    plane.pause()
    plane.begin(request())
    qtbot.waitUntil(lambda: plane._worker.is_paused, timeout=PATIENCE)

    plane.resume()

    completed(plane, qtbot)


def test_a_forgotten_plane_tells_nothing_and_another_one_follows(plane, qtbot, loader):
    network = gated(loader, qtbot, plane)
    plane.forget()
    plane.begin(request(DATA[:20]))
    network.permits.release(1000)

    completed(plane, qtbot)

    assert sum(block.size for block in plane.blocks.values()) == 4 * DATA[:20].size


def test_a_plane_that_fails_is_not_tried_again(plane, qtbot, loader):
    loader.network = Failing(RuntimeError("no"))
    with qtbot.waitSignal(plane.advanced, timeout=PATIENCE):
        plane.begin(request())
    qtbot.waitUntil(lambda: plane._worker is None, timeout=PATIENCE)

    plane.begin(request())

    assert plane.has_failed
    assert plane._worker is None
    plane.forget()
    assert not plane.has_failed
