"""Every way of running gives the pixels of the plane that NumPy extends and the network reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import Global, Nearest, finish
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

import napari_sr
from napari_sr.engine.execution.region import upscale_region
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.settings import Settings
from napari_sr.layers.colour import enlarge
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request, drive
from napari_sr.runs.source import Source
from napari_sr.streaming.lazy import lazy_result
from napari_sr.streaming.preview import run_preview
from napari_sr.streaming.preview_request import PreviewRequest
from napari_sr.streaming.run import run_into, run_on

CPU = Settings(device="cpu", engine="torch", outliers="keep")


class Bent(Nearest):
    """Weighs its neighbourhood unevenly, so that it tells every pixel and every flip apart."""

    def compute(self, image):
        side = 2 * self.radius + 1
        weights = torch.arange(1.0, 1 + side**2, device=image.device, dtype=image.dtype)
        kernel = (weights / weights.sum()).reshape(1, 1, side, side)
        mixed = functional.conv2d(image.square(), kernel, padding=self.radius)
        return mixed.repeat_interleave(2, -1).repeat_interleave(2, -2) * self.weight


def by_numpy(image, network, settings):
    """Return the result of the extended image, without what extends it."""
    width, scale = border_width(network, settings), network.scale
    multiple, least = network.multiple, network.least_size
    ends = []
    for length in image.shape[:2]:
        size = max(length + 2 * width, least)
        ends.append((width, -(-size // multiple) * multiple - length - width))
    around = np.pad(image, [*ends, (0, 0)][: image.ndim], mode="symmetric" if width else "reflect")
    plane = torch.from_numpy(np.atleast_3d(around)).movedim(2, 0)[None]
    with torch.inference_mode():
        large = enlarge(network, plane)[0].movedim(0, 2).numpy()
    inside = (slice(scale * width, scale * (width + length)) for length in image.shape[:2])
    large = large[tuple(inside)]
    return large if image.ndim == 3 else large[..., 0]


@st.composite
def cases(draw):
    """Draw an image, a network and settings."""
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    radius, multiple = draw(st.integers(0, 9)), draw(st.integers(1, 4))
    network = Bent(radius=radius, multiple=multiple, least_size=draw(st.integers(1, 12)))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    image = random.random((height, width)).astype(np.float32)
    border = draw(st.sampled_from(["auto", "reflect", "zeros"]))
    return image, network, replace(CPU, border=border)


def whole(image, network, settings):
    return finish(upscale_array(image, network, settings))[1].pixels


@given(cases(), st.integers(0, 40))
def test_a_plane_in_one_tile_or_several_is_that_of_numpy(case, more):
    image, network, settings = case
    tile = 2 * -(-network.radius // network.multiple) * network.multiple + network.multiple
    expected = by_numpy(image, network, settings)

    for chosen in (None, max(tile, network.least_size) + more):
        found = whole(image, network, replace(settings, tile=chosen))
        np.testing.assert_allclose(found, expected, atol=1e-6)


@given(cases(), st.data())
def test_a_region_is_that_part_of_the_plane(case, data):
    image, network, settings = case
    spans = [
        sorted(data.draw(st.lists(st.integers(0, size), min_size=2, max_size=2, unique=True)))
        for size in image.shape
    ]

    _, found = finish(upscale_region(image, network, spans, settings))

    (top, bottom), (left, right) = spans
    part = by_numpy(image, network, settings)[2 * top : 2 * bottom, 2 * left : 2 * right]
    np.testing.assert_allclose(found.pixels, part, atol=1e-6)


@given(cases(), st.integers(1, 20), st.integers(1, 20))
def test_blocks_of_any_size_give_the_plane(case, rows, columns):
    image, network, settings = case
    side = rows * network.multiple, columns * network.multiple
    grid = usual_grid(layout_of(image.shape, image.dtype), network, settings, side)
    found = np.full([2 * size for size in image.shape], np.nan, np.float32)

    drive(run_into(run_on(image, grid, network, settings), found))

    np.testing.assert_allclose(found, by_numpy(image, network, settings), atol=1e-6)


@pytest.mark.parametrize("border", ["auto", "reflect", "zeros"])
@pytest.mark.parametrize("shape", [(41, 53), (40, 37, 3), (2, 30, 33)], ids=str)
def test_lazy_blocks_of_an_ensemble_give_the_plane(shape, border, example, random, monkeypatch):
    network = example("fsrcnn", channels=1)
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (16,))
    image = random.random(shape).astype(np.float32)
    settings = replace(CPU, border=border, ensemble=True)

    lazy = lazy_result(Request(image, ModelReference(network), settings)).compute()

    np.testing.assert_allclose(lazy, whole(image, network, settings), atol=1e-5)


@pytest.mark.parametrize("border", ["auto", "reflect", "zeros"])
def test_a_preview_gives_the_plane_up_to_its_border(border, monkeypatch, random):
    network, image = Bent(radius=5), random.random((300, 290)).astype(np.float32)
    monkeypatch.setattr("napari_sr.streaming.preview.cache.load", lambda model: network)
    settings, layout = replace(CPU, border=border), layout_of(image.shape, image.dtype)
    source = Source("cells", image, image.shape, "YX", False)
    region = usual_grid(layout, network, settings).area
    asked = PreviewRequest(source, (), region, ModelReference("fsrcnn-x2"), settings)
    found = np.full((600, 580), np.nan, np.float32)

    steps, exact = finish(run_preview(asked))

    for step in steps:
        if step is not None and step.computed:
            found[step.core.slices_in(region, 2)] = step.values
    assert exact
    np.testing.assert_allclose(found, by_numpy(image, network, settings), atol=1e-6)


@pytest.mark.parametrize("border", ["auto", "reflect", "zeros"])
@pytest.mark.parametrize("name", ["bsrn", "rfdn", "esrt", "imdn", "fsrcnn", "edsr", "srcnn"])
def test_tiles_of_a_real_network_give_the_plane(name, border, example, random):
    network = example(name)
    shape = (44, 39, 3) if network.channels == 3 else (44, 39)
    image = random.random(shape).astype(np.float32)
    settings = replace(CPU, border=border)
    expected = by_numpy(image, network, settings)

    for tile in (None, 36):
        found = whole(image, network, replace(settings, tile=tile))
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected))


@pytest.mark.parametrize("border", ["auto", "reflect", "zeros"])
def test_a_network_of_the_whole_plane_gives_it_as_shards(border, random):
    network, image = Global(radius=2), random.random((30, 41)).astype(np.float32)
    settings = replace(CPU, border=border)
    out = np.full((60, 82), np.nan, np.float32)

    napari_sr.upscale(image, network, device="cpu", engine="torch", border=border, out=out)

    np.testing.assert_allclose(out, by_numpy(image, network, settings), atol=1e-6)


def test_missing_pixels_are_filled_before_the_plane_is_extended(random):
    network, image = Bent(radius=4), random.random((40, 50)).astype(np.float32)
    image[:5, 10:30], image[20:, 44:] = np.nan, np.nan
    grid = usual_grid(layout_of(image.shape, image.dtype), network, CPU, (8, 8))
    found = np.empty((80, 100), np.float32)

    drive(run_into(run_on(image, grid, network, CPU), found))

    expected = whole(image, network, CPU)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.isnan(expected).any()
