"""Back-projection: exact over tiles, and right or refused for every kind of image and run."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import dask.array
import numpy as np
import pytest
import torch
from fakes import Nearest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr import models
from napari_sr.evaluation._imresize import imresize
from napari_sr.runs import cache
from napari_sr.runs.model import ModelReference
from napari_sr.zoo.consistent import TIMES, Consistent

HALF = Fraction(1, 2)


@pytest.fixture
def smooth(random):
    """Return an image of floats with detail and without noise, (60, 70)."""
    return gaussian_filter(random.random((60, 70)), 1.0).astype(np.float32)


def upscale(image, model="fsrcnn", **options):
    return napari_sr.upscale(image, model, 2, device="cpu", engine="torch", **options)


def rms(result, image):
    """Return how much a shrunk result differs from its source, without luma's interpolation."""
    return float(np.sqrt(np.nanmean((imresize(result.astype(float), HALF) - image) ** 2)))


def small(name):
    """Return the small instance of a network, with weights that let it sharpen."""
    record = models.architecture(name)
    torch.manual_seed(0)
    return record.network(**{**record.example, "channels": 1, "scale": 2}).eval()


@given(scale=st.integers(2, 4), height=st.integers(3, 12), width=st.integers(3, 12))
def test_each_correction_adds_what_the_shrunk_result_lacks(scale, height, width):
    network = Nearest(scale=scale, channels=1).eval()
    image = torch.rand(1, 1, height, width, dtype=torch.float64)

    found = Consistent(network)(image)[0, 0].detach().numpy()

    source = image[0, 0].numpy()
    expected = source.repeat(scale, 0).repeat(scale, 1)
    for _ in range(TIMES):
        missing = source - imresize(expected, Fraction(1, scale))
        expected = expected + imresize(missing, scale)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_chain_depends_on_no_pixel_beyond_its_radius():
    network = Consistent(Nearest(scale=2, channels=1)).eval()
    radius = network.receptive_field
    image = torch.rand(1, 1, 60, 60, dtype=torch.float64, requires_grad=True)

    network(image)[0, 0, 60, 60].backward()

    rows, columns = image.grad[0, 0].nonzero().T
    assert radius == 4 * TIMES
    assert max(int((at - 30).abs().max()) for at in (rows, columns)) <= radius


@given(tile=st.integers(1, 60), height=st.integers(40, 90), width=st.integers(40, 90))
def test_tiles_give_the_result_of_the_whole_plane(tile, height, width):
    random = np.random.default_rng(tile)
    image = random.random((height, width)).astype(np.float32)
    network = Consistent(napari_sr.load("fsrcnn", 2)).eval()
    least = 2 * network.receptive_field + 1

    whole = upscale(image, network, tile=256)
    tiled = upscale(image, network, tile=least + tile)

    np.testing.assert_allclose(tiled, whole, atol=2e-6)


@pytest.mark.parametrize("name", ["edsr", "imdn", "bsrn", "esrt", "lapsrn", "drcn", "srcnn"])
def test_any_network_is_exact_over_tiles_also_one_with_global_values(name, random):
    network = Consistent(small(name)).eval()
    image = random.random((96, 100)).astype(np.float32)

    whole, tiled = (upscale(image, network, tile=tile, outliers="keep") for tile in (None, 88))

    span = float(np.abs(whole).max())
    np.testing.assert_allclose(tiled, whole, atol=1e-5 * span)
    assert rms(whole, image) < 0.6 * rms(upscale(image, network.network, outliers="keep"), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
def test_every_type_becomes_consistent_up_to_its_rounding(smooth, dtype):
    kind = np.dtype(dtype)
    high = 1.0 if kind.kind == "f" else np.iinfo(kind).max
    image = (0.1 * high + 0.8 * high * smooth).astype(dtype)

    plain, found = upscale(image), upscale(image, consistent=True)

    assert found.dtype == kind
    rounding = 0.0 if kind.kind == "f" else 0.3
    assert rms(found, image) < 0.3 * rms(plain, image) + rounding


def test_missing_pixels_stay_missing_and_spoil_no_others(smooth):
    image = smooth.copy()
    image[30, 40] = np.nan

    found = upscale(image, consistent=True)

    assert np.isnan(found).sum() == 4
    assert np.isnan(found[60:62, 80:82]).all()
    far = np.s_[:20, :20]
    np.testing.assert_allclose(found[far], upscale(smooth, consistent=True)[far], atol=1e-6)


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_a_network_of_rgb_and_luma_of_one_of_luma(random, channels):
    image = gaussian_filter(random.random((60, 70, channels)), (1, 1, 0)).astype(np.float32)
    shown = slice(0, 3)

    rgb, luma = (upscale(image, model, consistent=True) for model in ("edsr-slim", "fsrcnn"))

    plain = upscale(image, "edsr-slim")
    before = rms(plain[..., shown], image[..., shown])
    assert rms(rgb[..., shown], image[..., shown]) < 0.3 * before
    weights = np.array([65.481, 128.553, 24.966]) / 219
    grey = (luma[..., :3] @ weights, image[..., :3] @ weights)
    without = upscale(image, "fsrcnn")[..., :3] @ weights
    assert rms(*grey) < 0.3 * rms(without, grey[1])
    if channels == 4:
        np.testing.assert_array_equal(rgb[..., 3], plain[..., 3])


@pytest.mark.parametrize(
    "image",
    [
        np.full((50, 50), 0.0),
        np.full((50, 50), 1.0),
        np.indices((50, 50)).sum(0) % 2,
        np.pad(np.ones((1, 1)), ((25, 24), (20, 29))),
        np.random.default_rng(0).random((50, 50)),
        np.random.default_rng(0).random((50, 50)) > 0.5,
    ],
    ids=["black", "white", "checkerboard", "impulse", "noise", "saturated"],
)
def test_adversarial_images_do_not_diverge(image):
    image = image.astype(np.float32)

    plain, found = (upscale(image, consistent=one, outliers="keep") for one in (False, True))

    assert rms(found, image) <= rms(plain, image) + 1e-6
    assert found.min() > -1.5
    assert found.max() < 2.5


def test_the_mean_of_eight_views_is_consistent_too(smooth):
    found = upscale(smooth, consistent=True, ensemble=True)

    assert rms(found, smooth) < 0.3 * rms(upscale(smooth, ensemble=True), smooth)


def test_regions_blocks_and_lazy_results_are_parts_of_the_whole(smooth, monkeypatch):
    whole = upscale(smooth, consistent=True)

    region = upscale(smooth, consistent=True, region=((7, 41), (20, 65)))
    blocks = np.empty_like(whole)
    upscale(smooth, consistent=True, out=blocks, tile=50)
    stored = dask.array.from_array(smooth, chunks=20)
    lazy = napari_sr.upscale_lazy(stored, "fsrcnn", 2, consistent=True, device="cpu", tile=50)

    np.testing.assert_allclose(region, whole[14:82, 40:130], atol=2e-6)
    np.testing.assert_allclose(blocks, whole, atol=2e-6)
    np.testing.assert_allclose(np.asarray(lazy), whole, atol=2e-6)


def test_a_network_that_does_not_enlarge_is_refused():
    with pytest.raises(ValueError, match="the scale of Nearest is 1"):
        Consistent(Nearest(scale=1))


def test_models_of_optics_or_noise_and_of_unknown_reach_are_refused(smooth):
    with pytest.raises(ValueError, match="those of microscope-x2 were blurred by optics"):
        upscale(smooth, "microscope", consistent=True)
    blended = ModelReference("microscope", second=ModelReference("microscope"), weight=0.5)
    with pytest.raises(ValueError, match="blurred by optics"):
        replace(blended, consistent=True).load()
    with pytest.raises(ValueError, match="would come back, but micrograph-x2 removes it"):
        upscale(smooth, "micrograph", consistent=True)
    unknown = Nearest(scale=2)
    unknown.exact = False
    with pytest.raises(ValueError, match="receptive field is known, but that of Nearest is not"):
        upscale(smooth, unknown, consistent=True)


def test_a_blend_is_made_consistent_as_a_whole(smooth):
    other = ModelReference("fsrcnn", 2)
    blended = ModelReference("fsrcnn", 2, second=other, weight=0.5, consistent=True)

    network = blended.load()

    assert network.provenance["consistent"] is True
    assert len(network.provenance["blended"]) == 2
    np.testing.assert_allclose(
        upscale(smooth, network), upscale(smooth, consistent=True), atol=1e-6
    )


def test_a_network_in_the_cache_is_not_made_consistent(smooth):
    reference = ModelReference("fsrcnn", 2, consistent=True)

    first, plain = cache.load(reference), cache.load(replace(reference, consistent=False))

    assert isinstance(first, Consistent)
    assert first.network is plain
    assert isinstance(cache.load_checked(reference), Consistent)
    assert "consistent" not in plain.provenance
    assert reference.label == "fsrcnn x2, consistent"
