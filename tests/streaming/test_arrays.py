from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import Nearest, finish

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request
from napari_sr.streaming import arrays
from napari_sr.streaming.arrays import upscale_into

SETTINGS = Settings(device="cpu", engine="torch")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))
    monkeypatch.setattr(arrays, "SIDES", (32,))


def request(image, network, axes=None, **settings):
    return Request(
        image, ModelReference(network), Settings(device="cpu", engine="torch", **settings), axes
    )


def nearest(image, axes):
    return image.repeat(2, axes.index("Y")).repeat(2, axes.index("X"))


@pytest.mark.parametrize("chunks", [(16, 16), (64, 64), (7, 9), None], ids=str)
def test_a_result_is_written_into_an_array(random, chunks):
    zarr = pytest.importorskip("zarr")
    image = (random.random((2, 70, 50)) * 255).astype(np.uint8)
    out = (
        np.zeros((2, 140, 100), np.uint8)
        if chunks is None
        else zarr.create_array({}, shape=(2, 140, 100), chunks=(1, *chunks), dtype="u1")
    )

    finish(upscale_into(request(image, None, "ZYX"), out, Nearest(radius=1)))
    whole = finish(upscale_into(request(image, None, "ZYX"), out2 := np.zeros_like(out[:]),
                                Nearest(radius=1)))  # fmt: skip

    np.testing.assert_array_equal(out[:], out2)
    assert whole


def test_blocks_cover_whole_shards(random):
    zarr = pytest.importorskip("zarr")
    out = zarr.create_array({}, shape=(400, 400), chunks=(8, 8), shards=(48, 96), dtype="u1")
    layout = arrays.layout_of((400, 400), "uint8")

    assert arrays.side_of(out, layout, Nearest()) == (24, 48)


@pytest.mark.parametrize(
    "out", [np.zeros((4, 4), np.uint8), np.zeros((8, 8), np.float32), [[1]], "x"], ids=str
)
def test_an_array_that_cannot_hold_the_result_is_refused(out):
    image = np.zeros((4, 4), np.uint8)

    with pytest.raises(ValueError, match=r"out must be an array of shape \(8, 8\) and type uint8"):
        finish(upscale_into(request(image, None), out, Nearest()))


def test_a_result_that_shares_memory_with_its_image_is_refused():
    """Blocks that are written would change pixels that are read later."""
    buffer = np.zeros((8, 8), np.uint8)

    with pytest.raises(ValueError, match="must not share memory with the image"):
        finish(
            upscale_into(
                request(buffer.reshape(-1)[:16].reshape(4, 4), Nearest()), buffer, Nearest()
            )
        )
    with pytest.raises(ValueError, match="must not share memory with the image"):
        finish(upscale_into(request(buffer[:4, :4], Nearest()), buffer, Nearest()))


def test_a_result_that_is_read_only_is_refused_before_anything_is_computed():
    import zarr

    fixed = np.zeros((8, 8), np.uint8)
    fixed.flags.writeable = False
    store = zarr.storage.MemoryStore()
    zarr.create_array(store, shape=(8, 8), dtype=np.uint8)

    class Unread:
        shape, dtype = (4, 4), np.dtype(np.uint8)

    class OfH5py(np.ndarray):
        file = SimpleNamespace(mode="r")

    of_h5py = np.zeros((8, 8), np.uint8).view(OfH5py)
    for out in (fixed, zarr.open_array(store, mode="r"), of_h5py):
        with pytest.raises(ValueError, match="can be written into, got"):
            finish(upscale_into(request(Unread(), Nearest()), out, Nearest()))


def test_a_region_is_written_into_an_array_of_its_size(random):
    image = random.random((2, 90, 100)).astype(np.float32)
    whole = finish(upscale_array(image, Nearest(radius=2), SETTINGS, axes="ZYX"))[1].pixels
    asked = replace(request(image, None, "ZYX"), region=Region(slice(30, 70), slice(11, 72)))
    out = np.zeros((2, 80, 122), np.float32)

    finish(upscale_into(asked, out, Nearest(radius=2)))

    np.testing.assert_allclose(out, whole[:, 60:140, 22:144], atol=1e-6)
    with pytest.raises(ValueError, match=r"\(2, 80, 122\)"):
        finish(upscale_into(asked, np.zeros_like(whole), Nearest(radius=2)))
