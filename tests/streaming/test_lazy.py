import pickle
import threading
from typing import ClassVar

import numpy as np
import pytest
from fakes import Global, Nearest, finish

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request
from napari_sr.streaming import lazy as module
from napari_sr.streaming.kept_planes import KeptPlanes
from napari_sr.streaming.lazy import lazy_result

SETTINGS = Settings(device="cpu", engine="torch")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))


def request(image, network, axes=None, **settings):
    return Request(
        image, ModelReference(network), Settings(device="cpu", engine="torch", **settings), axes
    )


def nearest(image, axes):
    return image.repeat(2, axes.index("Y")).repeat(2, axes.index("X"))


@pytest.mark.parametrize("axes", ["YX", "TYX", "YXS", "XTY"])
def test_a_lazy_result_equals_the_result(random, axes):
    shape = {"YX": (70, 50), "TYX": (3, 40, 41), "YXS": (40, 70, 3), "XTY": (70, 2, 33)}[axes]
    image = random.random(shape).astype(np.float32)

    network = Nearest(channels=3 if axes == "YXS" else 1)
    result = lazy_result(request(image, network, axes))

    assert result.dtype == np.float32
    assert result.shape == nearest(image, axes).shape
    np.testing.assert_allclose(result.compute(), nearest(image, axes), atol=1e-6)


def test_nothing_is_read_before_a_chunk_is_needed(random):
    class Counting:
        shape, dtype, reads = (200, 200), np.dtype("float32"), 0

        def __getitem__(self, index):
            Counting.reads += 1
            return np.zeros((200, 200), np.float32)[index]

    result = lazy_result(request(Counting(), Nearest(radius=1)))
    assert Counting.reads == 0

    result[:10, :10].compute()

    assert Counting.reads == 1


def test_a_dask_source_is_read_without_another_thread(random):
    dask = pytest.importorskip("dask.array")
    threads = set()

    def source(block):
        threads.add(threading.current_thread().name)
        return block

    image = random.random((64, 64)).astype(np.float32)
    lazy = dask.from_array(image, chunks=16).map_blocks(source, dtype=np.float32)
    threads.clear()

    result = lazy_result(request(lazy, Nearest())).compute(scheduler="synchronous")

    np.testing.assert_allclose(result, nearest(image, "YX"), atol=1e-6)
    assert len(threads) == 1


def test_a_chunk_travels_to_other_processes(random):
    image = random.random((40, 40)).astype(np.uint16)
    result = lazy_result(request(image, None))

    copy = pickle.loads(pickle.dumps(result))

    np.testing.assert_array_equal(copy.compute(), result.compute())


def test_percentiles_are_taken_once_over_the_image(random):
    image = (random.random((100, 100)) * 50).astype(np.float32)

    result = lazy_result(request(image, Nearest(), value_range=Percentiles(1, 99)))

    np.testing.assert_allclose(result.compute(), nearest(image, "YX"), atol=1e-3)


class Counted(Global):
    """Counts the planes that it computes."""

    planes: ClassVar[list[tuple[int, ...]]] = []  # of the class: the network itself stays the same

    def compute(self, x):
        if not x.is_meta:
            Counted.planes.append(tuple(x.shape))
        return super().compute(x)


@pytest.fixture
def kept(monkeypatch):
    kept = KeptPlanes()
    monkeypatch.setattr(module, "_KEPT", kept)
    monkeypatch.setattr(Counted, "planes", [])
    return kept


def without_mean(image):
    return nearest(image - image.mean((1, 2), keepdims=True), "ZYX")


def test_a_global_network_computes_a_plane_once_for_all_its_chunks(random, kept):
    image = random.random((2, 70, 50)).astype(np.float32)
    network = Counted()

    result = lazy_result(request(image, network, "ZYX"))
    parts = [result[1, 4:9, 7:20].compute(), result[1, 100:140, 64:].compute(), result.compute()]

    assert result.chunks == ((1, 1), (64, 64, 12), (64, 36))
    expected = without_mean(image)
    np.testing.assert_allclose(parts[0], expected[1, 4:9, 7:20], atol=1e-5)
    np.testing.assert_allclose(parts[1], expected[1, 100:140, 64:], atol=1e-5)
    np.testing.assert_allclose(parts[2], expected, atol=1e-5)
    assert len(network.planes) == 2
    assert kept.size == 2 * 140 * 100 * 4


@pytest.mark.parametrize("axes", ["YXS", "XTY", "YX"])
def test_planes_are_cut_along_the_right_axes(random, kept, axes):
    shape = {"YX": (70, 50), "YXS": (40, 70, 3), "XTY": (70, 2, 33)}[axes]
    image = (random.random(shape) * 255).astype(np.uint8)
    network = Global(channels=3 if axes == "YXS" else 1)
    whole = finish(upscale_array(image, network, SETTINGS, axes=axes))[1].pixels

    result = lazy_result(request(image, network, axes))

    assert max(result.chunks[axes.index("Y")]) == max(result.chunks[axes.index("X")]) == 64
    np.testing.assert_array_equal(result.compute(), whole)


def test_pixels_and_weights_that_changed_are_computed_anew(random, kept):
    image, network = random.random((1, 40, 40)).astype(np.float32), Counted()
    result = lazy_result(request(image, network, "ZYX"))
    result.compute()

    image[0, 3, 5] += 40
    changed = result.compute()
    network.weight.data.mul_(2)
    doubled = result.compute()

    np.testing.assert_allclose(changed, without_mean(image), atol=1e-4)
    np.testing.assert_allclose(doubled, 2 * without_mean(image), atol=1e-4)
    assert len(network.planes) == 3


def test_writing_into_a_computed_part_leaves_the_plane_alone(random, kept):
    image = random.random((1, 20, 20)).astype(np.float32)
    result = lazy_result(request(image, Global(), "ZYX"))
    first = result.compute()
    expected = first.copy()

    first[:] = 9
    result[0].compute()[:] = 9
    result.map_blocks(lambda part: np.multiply(part, 0, out=part)).compute()

    np.testing.assert_array_equal(result.compute(), expected)


def test_a_plane_that_cannot_be_kept_is_computed_all_the_same(random, kept, monkeypatch):
    image, network = random.random((1, 70, 50)).astype(np.float32), Counted()
    monkeypatch.setattr(module, "_KEPT", KeptPlanes(most=1000))
    result = lazy_result(request(image, network, "ZYX"))

    np.testing.assert_allclose(result.compute(), without_mean(image), atol=1e-5)
    assert len(network.planes) == 1
    np.testing.assert_allclose(result[0].compute(), without_mean(image)[0], atol=1e-5)


def test_a_plane_that_failed_is_not_kept(random, kept):
    image, network = random.random((1, 20, 20)).astype(np.float32), Counted()
    result = lazy_result(request(image, network, "ZYX"))
    image[0, 0, 0] = np.inf

    with pytest.raises(ValueError, match="infinite"):
        result.compute()
    image[0, 0, 0] = 0

    np.testing.assert_allclose(result.compute(), without_mean(image), atol=1e-5)
