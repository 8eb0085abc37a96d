"""Infinite values are found before a run by a cheap check."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_sr.runs import first_look
from napari_sr.runs.first_look import PixelError, look_for_infinity
from napari_sr.runs.source import Source


def stack_with(at, value=np.inf, shape=(5, 6, 7)):
    pixels = np.zeros(shape, np.float32)
    pixels[at] = value
    return pixels


def source_with(pixels, plane=None, *, rgb=False):
    shape = pixels.shape if plane is None else (1, *pixels.shape[1:])
    axes = "ZYXS"[-pixels.ndim :] if rgb else "ZYX"[-pixels.ndim :]
    return Source("depth", pixels, shape, axes, rgb, plane)


def test_infinite_values_are_reported_with_their_position():
    with pytest.raises(PixelError, match=r"depth .* one infinite value, at y=2, x=3"):
        look_for_infinity(source_with(stack_with((2, 3), -np.inf, (6, 7))))


def test_infinity_in_any_plane_of_an_array_in_memory_is_found():
    with pytest.raises(PixelError, match=r"y=1, x=0 of plane \(4,\)"):
        look_for_infinity(source_with(stack_with((4, 1, 0))))


def test_infinity_in_colours_is_found():
    pixels = stack_with((1, 2, 0), shape=(6, 7, 3))

    with pytest.raises(PixelError, match="y=1, x=2"):
        look_for_infinity(source_with(pixels, rgb=True))


def test_only_the_plane_that_is_read_matters():
    pixels = stack_with((4, 1, 0))

    look_for_infinity(source_with(pixels, (3,)))
    with pytest.raises(PixelError, match="y=1, x=0"):
        look_for_infinity(source_with(pixels, (4,)))


@pytest.mark.parametrize("pixels", [stack_with((0, 0, 0), np.nan), np.zeros((5, 6), np.int16)])
def test_nan_and_integers_are_accepted(pixels):
    look_for_infinity(source_with(pixels))


def test_evenly_spread_planes_of_a_large_array_are_checked(monkeypatch):
    monkeypatch.setattr(first_look, "MAX_VALUES", 2 * 6 * 7)  # two of five planes

    look_for_infinity(source_with(stack_with((0, 0, 0))))
    with pytest.raises(PixelError, match=r"of plane \(1,\)"):
        look_for_infinity(source_with(stack_with((1, 0, 0))))


def test_only_the_middle_plane_of_a_lazy_stack_is_read():
    read = []

    def plane(block_info):
        read.append(block_info[None]["chunk-location"][0])
        return np.zeros((1, 6, 7), np.float32)

    lazy = dask.array.map_blocks(
        plane, chunks=((1,) * 5, (6,), (7,)), dtype=np.float32, meta=np.zeros((0, 0, 0), "f4")
    )
    look_for_infinity(Source("lazy", lazy, (5, 6, 7), "ZYX", rgb=False))

    assert read == [2]
