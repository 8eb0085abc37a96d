"""Windows of Zarr arrays."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.storage import LocalStore

from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.pixels import zarr_pixels
from napari_sr.files.ome_zarr.store import SourceStore

SHAPE = (3, 5, 7)
PIXELS = np.arange(np.prod(SHAPE), dtype="uint16").reshape(SHAPE)
PARTS = st.one_of(
    st.integers(-3, 2),
    st.builds(slice, st.none() | st.integers(0, 8), st.none() | st.integers(0, 8)),
    st.sampled_from([slice(None, None, 2), slice(None, None, -1)]),
)


def stored(path, **options):
    array = zarr.create_array(path, shape=SHAPE, dtype="uint16", chunks=(1, 2, 4), **options)
    array[...] = PIXELS
    return array


@given(index=st.lists(PARTS, max_size=3), order=st.permutations(range(3)))
def test_a_window_is_that_of_the_array_in_memory(index, order):
    array = zarr.create_array({}, shape=SHAPE, dtype="uint16", chunks=(1, 2, 4))
    array[...] = PIXELS
    pixels, expected = zarr_pixels(array, tuple(order), "a.zarr"), PIXELS.transpose(order)
    assert (pixels.shape, pixels.ndim) == (expected.shape, 3)

    for whole in (tuple(index), (*index, ...), (..., *index)):
        np.testing.assert_array_equal(pixels[whole], expected[whole])


def test_one_part_alone_is_a_window_too(tmp_path):
    pixels = zarr_pixels(stored(tmp_path), (2, 0, 1), tmp_path)

    np.testing.assert_array_equal(pixels[1], PIXELS[:, :, 1])
    np.testing.assert_array_equal(pixels[...], PIXELS.transpose(2, 0, 1))
    np.testing.assert_array_equal(pixels[np.int64(1), 2:4], PIXELS[2:4, :, 1].copy())


@pytest.mark.parametrize("index", [(0, 0, 0, 0), [0, 1], (None, 0), np.ones(1, bool)], ids=str)
def test_other_indices_are_refused(tmp_path, index):
    with pytest.raises(IndexError, match=r"has no index|must consist of integers and slices"):
        zarr_pixels(stored(tmp_path), (0, 1, 2), tmp_path)[index]


def test_only_the_chunks_that_a_window_touches_are_read(tmp_path, monkeypatch):
    pixels = zarr_pixels(stored(tmp_path), (1, 2, 0), tmp_path)
    read, get = [], LocalStore.get

    def watched(self, key, *rest, **options):
        read.append(key)
        return get(self, key, *rest, **options)

    monkeypatch.setattr(LocalStore, "get", watched)
    window = pixels[2:5, 4:, 1]

    np.testing.assert_array_equal(window, PIXELS[1, 2:5, 4:])
    assert sorted(read) == ["c/1/1/1", "c/1/2/1"]


def test_pixels_go_to_another_process(tmp_path):
    stored(tmp_path)
    array = zarr.open_array(SourceStore(tmp_path, read_only=True), mode="r")

    pixels = pickle.loads(pickle.dumps(zarr_pixels(array, (1, 2, 0), tmp_path)))

    np.testing.assert_array_equal(pixels[2:4], PIXELS.transpose(1, 2, 0)[2:4])


def test_values_have_the_byte_order_of_this_machine(tmp_path):
    array = zarr.create_array(
        tmp_path, shape=(2, 2), dtype=">u2", chunks=(2, 2), zarr_format=2, fill_value=0
    )
    array[...] = np.array([[1, 2], [3, 4]])

    pixels = zarr_pixels(array, (0, 1), tmp_path)

    assert pixels.dtype == pixels[...].dtype == np.dtype("uint16")
    assert pixels.dtype.isnative
    np.testing.assert_array_equal(pixels[...], [[1, 2], [3, 4]])


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("length", [0, 3, 40])
def test_a_damaged_part_is_one_sentence_and_others_are_read(tmp_path, sharded, length):
    options = {"shards": (1, 4, 4)} if sharded else {}
    stored(tmp_path, **options)
    array = zarr.open_array(SourceStore(tmp_path, read_only=True), mode="r")
    pixels = zarr_pixels(array, (0, 1, 2), tmp_path)
    chunk = tmp_path / "c" / "1" / "0" / "0"
    chunk.write_bytes(b"\x07" * length)

    with pytest.raises(FileError, match=rf"a part of {tmp_path} cannot be read: \S"):
        pixels[1]

    np.testing.assert_array_equal(pixels[0], PIXELS[0])
