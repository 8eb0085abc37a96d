"""A network with any factor: the same network, whose result the engine shrinks."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from fakes import Global, Nearest

import napari_sr
from napari_sr.graph.factor import boundary, bounds
from napari_sr.layers.area_resize import Shrunk, shrink
from napari_sr.zoo.resized import Resized, enlarging


def upscale(image, network, **options):
    return napari_sr.upscale(image, network, **{"device": "cpu", "engine": "torch", **options})


def expected(image, network, factor):
    """Shrink the network's unrounded result, computed in one piece."""
    large = upscale(image.astype(np.float32), network, tile=1000)
    ratio = Fraction(network.scale) / factor
    axes = tuple(Shrunk(size, ratio) for size in large.shape[:2])
    spans = tuple(slice(0, boundary(size, factor)) for size in image.shape[:2])
    return shrink(large, (0, 0), axes, spans)


@pytest.mark.parametrize("factor", [Fraction(5, 2), Fraction(13, 10), Fraction(108333, 70000), 1])
@pytest.mark.parametrize("tile", [24, 300])
def test_the_result_of_the_network_is_shrunk(factor, tile, random):
    image = random.random((61, 53, 3)).astype(np.float32)
    network = Nearest(scale=3, channels=3, radius=2)

    found = upscale(image, Resized(network, factor), tile=tile)

    np.testing.assert_allclose(found, expected(image, network, factor), rtol=0, atol=1e-6)


def test_integers_are_rounded_once(random):
    image = (random.random((40, 44)) * 60000).astype(np.uint16)
    network = Nearest(scale=2)

    found = upscale(image, Resized(network, 1.3))

    wanted = 65535 * expected(image / np.float32(65535), network, Fraction(13, 10))
    assert found.dtype == np.uint16
    np.testing.assert_allclose(found, wanted.clip(0, 65535), rtol=0, atol=0.51)


@pytest.mark.parametrize("kind", [Nearest, Global])
@pytest.mark.parametrize("factor", [2.5, Fraction(13, 12)])
def test_every_way_gives_the_same_pixels(kind, factor, random, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))
    dask = pytest.importorskip("dask.array")
    stack = random.random((2, 90, 75)).astype(np.float32)
    stack[0, 3:30, 40:44] = np.nan
    network = Resized(kind(scale=3), factor)

    whole = upscale(stack, network)
    into = upscale(dask.from_array(stack), network, out=np.empty_like(whole))
    lazy = napari_sr.upscale_lazy(stack, network, device="cpu", engine="torch")

    same = {"rtol": 0, "atol": 1e-6}
    np.testing.assert_allclose(into, whole, **same)
    np.testing.assert_allclose(lazy.compute(), whole, **same)
    assert np.isnan(whole[0]).any()
    assert not np.isnan(whole[1]).any()
    if kind is Nearest:
        region = upscale(stack, network, region=((20, 61), (11, 60)))
        rows, columns = (bounds(slice(*span), network.factor) for span in ((20, 61), (11, 60)))
        part = whole[:, rows, columns]
        np.testing.assert_allclose(region, part, **same)


def test_a_stack_may_also_be_enlarged_along_z(random):
    stack = random.random((4, 31, 42)).astype(np.float32)
    network = Resized(Nearest(scale=2, radius=1), 1.3)

    whole = upscale(stack, network, axes="ZYX", axial=1.5)
    upscale(stack, network, axes="ZYX", axial=1.5, out=(into := np.empty_like(whole)))

    assert whole.shape == (6, 40, 55)
    np.testing.assert_allclose(into, whole, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r"a scale of the network, 2, got 1\.3"):
        upscale(stack, network, axes="ZYX", axial=1.5, axial_by="network")


@pytest.mark.parametrize("factor", [2.5, Fraction(108333, 70000)])
def test_spots_stay_in_place(factor):
    """The centres of mass of spots are where they were, in pixels of the source."""
    y, x = np.mgrid[:48, :64] + 0.5
    centres = [(12.3, 15.8), (30.6, 47.1)]
    for row, column in centres:
        spot = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 2.5**2)).astype(np.float32)

        result = upscale(spot, Resized(napari_sr.load("bicubic", 3), factor)).astype(float)

        pitch = 1 / float(factor)
        rows, columns = (np.arange(size) * pitch + pitch / 2 for size in result.shape)
        found = [
            (result.sum(1) * rows).sum() / result.sum(),
            (result.sum(0) * columns).sum() / result.sum(),
        ]
        np.testing.assert_allclose(found, (row, column), rtol=0, atol=2e-4)


def test_all_views_of_an_ensemble_are_shrunk_alike(random):
    image = random.random((31, 42)).astype(np.float32)
    network = Nearest(scale=2, radius=1)

    found = upscale(image, Resized(network, 1.3), ensemble=True)

    np.testing.assert_allclose(found, expected(image, network, Fraction(13, 10)), atol=1e-5)


def views_of(image, network):
    """Yield the network's results for all views of an image, turned back."""
    for turns, flip in product(range(4), (1, -1)):
        turned = np.rot90(image, turns)[:, ::flip]
        yield np.rot90(upscale(np.ascontiguousarray(turned), network)[:, ::flip], -turns)


@pytest.mark.parametrize("factor", [1.5, Fraction(13, 10)])
def test_the_spread_is_that_of_the_shrunk_views(factor, random, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))
    image = random.random((67, 45)).astype(np.float32)
    options = {"device": "cpu", "engine": "torch", "value_range": (0, 1)}
    network = napari_sr.load("fsrcnn", 2)
    axes = tuple(Shrunk(2 * size, Fraction(2) / Fraction(str(factor))) for size in image.shape)
    spans = tuple(slice(0, boundary(size, Fraction(str(factor)))) for size in image.shape)
    views = [shrink(view, (0, 0), axes, spans) for view in views_of(image, network)]
    whole = Resized(network, factor)

    found = napari_sr.uncertainty(image, whole, **options)
    out = np.zeros_like(found.result), np.zeros_like(found.spread)
    napari_sr.uncertainty(image, whole, out=out, **options)
    part = napari_sr.uncertainty(image, whole, region=((5, 30), (0, 41)), **options)

    np.testing.assert_allclose(found.spread, np.std(views, axis=0), atol=1e-6)
    np.testing.assert_allclose(found.result, np.mean(views, axis=0), atol=1e-6)
    np.testing.assert_allclose(out, tuple(found), atol=1e-6)
    place = tuple(bounds(slice(*span), whole.factor) for span in ((5, 30), (0, 41)))
    np.testing.assert_allclose(part.spread, found.spread[place], atol=1e-6)


def test_a_spread_is_missing_where_the_shrunk_result_is(random):
    image = random.random((20, 24, 3)).astype(np.float32)
    image[5:8, 9] = np.nan

    found = napari_sr.uncertainty(image, Resized(Nearest(scale=2), 1.5), device="cpu")

    assert np.isnan(found.result).any()
    np.testing.assert_array_equal(np.isnan(found.spread), np.isnan(found.result))


def test_a_network_that_enlarges_too_little_runs_twice():
    network = Nearest(scale=3)

    assert enlarging(network, 3) is network
    assert enlarging(network, Fraction(17, 2)).scale == 9
    with pytest.raises(ValueError, match=r"at most 9 times in two passes, got scale=9\.5"):
        enlarging(network, 9.5)
    with pytest.raises(ValueError, match="at most 3 times, got"):
        enlarging(network, 4, alone=False)
    with pytest.raises(ValueError, match="at most 1 times, got"):
        enlarging(Nearest(scale=1), 2)


@pytest.mark.parametrize("factor", [0.9, 2, 2.5])
def test_a_result_is_only_shrunk_and_never_below_its_source(factor):
    with pytest.raises(ValueError, match="at least 1 and less than 2, got"):
        Resized(Nearest(scale=2), factor)


def test_the_network_itself_does_not_change():
    network = Nearest(scale=2)
    image = torch.rand(1, 1, 5, 6)

    found = Resized(network, 1.5)

    assert torch.equal(found(image), network(image))
    assert found.provenance["factor"] == "3/2"
