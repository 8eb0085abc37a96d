"""The pixels of a layer are read plane by plane."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import zarr
from fakes import finish

from napari_sr.runs.source import Source, read_pixels


def source_of(pixels, plane=None):
    shape = pixels.shape if plane is None else (1, 1, *pixels.shape[2:])
    return Source("cells", pixels, shape, "TZYX"[-pixels.ndim :], rgb=False, plane=plane)


def test_a_whole_numpy_array_is_not_copied():
    pixels = np.zeros((3, 5, 6))

    _, read = finish(read_pixels(source_of(pixels)))

    assert read is pixels


@pytest.mark.parametrize("kind", [dask.array.from_array, zarr.array], ids=["dask", "zarr"])
def test_lazy_arrays_are_read_plane_by_plane(kind, random):
    pixels = random.integers(0, 999, (2, 3, 5, 6)).astype(np.uint16)

    progress, read = finish(read_pixels(source_of(kind(pixels))))

    assert progress == [(done, 6) for done in range(1, 7)]
    assert isinstance(read, np.ndarray)
    np.testing.assert_array_equal(read, pixels)


def test_one_plane_is_read_alone(random):
    pixels = random.random((2, 3, 5, 6))
    source = source_of(pixels, (1, 2))

    _, read = finish(read_pixels(source))

    np.testing.assert_array_equal(read, pixels[1:2, 2:3])
    assert source.origin == (1, 2, 0, 0)


def test_a_plane_is_an_array_with_all_axes(random):
    pixels = random.random((2, 3, 5, 6))

    plane = source_of(pixels, (1, 2)).pixels

    assert (plane.shape, plane.dtype) == ((1, 1, 5, 6), pixels.dtype)
    np.testing.assert_array_equal(plane[0, 0, 1:4, 2:], pixels[1, 2, 1:4, 2:])
    assert source_of(pixels).pixels is pixels


def test_only_one_plane_of_a_source_has_leading_axes_of_length_1(random):
    pixels = random.random((2, 3, 4, 5, 3))
    source = Source("cells", pixels, pixels.shape, "TZYXS", True)

    plane = source.only((1, 2))

    assert plane.shape == (1, 1, 4, 5, 3)
    assert plane.origin == (1, 2, 0, 0)
    np.testing.assert_array_equal(plane.pixels[0, 0, :, :, :], pixels[1, 2])
    assert source.only(()).shape == source.shape
