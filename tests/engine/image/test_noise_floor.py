"""The noise of images with texture, masks, blur, compression and few pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter, zoom

from napari_sr.engine.image.noise_floor import floors_of


def level(*windows):
    return float(np.sqrt(floors_of([np.asarray(one, float) for one in windows]).variance.mean()))


@pytest.fixture
def cells(random):
    """Bright, textured discs on a dark background, from 0 to 1, blurred as by a lens."""
    y, x = np.mgrid[:256, :256]
    image = np.zeros((256, 256))
    for top, left, radius in random.uniform((0, 0, 8), (256, 256, 25), (14, 3)):
        image += (np.hypot(y - top, x - left) < radius) * random.uniform(0.3, 1)
    texture = 1 + 0.5 * gaussian_filter(random.normal(size=image.shape), 2)
    image = gaussian_filter(image * texture, 1.5)
    return image / image.max()


@pytest.mark.parametrize("side", [40, 64, 256])
def test_white_noise_has_its_level(side, random):
    found = np.mean([level(random.normal(0, 7, (side, side))) for _ in range(8)])

    assert found == pytest.approx(7, rel=0.04)


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.05])
def test_detail_of_a_blurred_image_is_no_noise(cells, sigma, random):
    assert level(cells) < 1e-3
    assert level(cells + random.normal(0, sigma, cells.shape)) == pytest.approx(sigma, rel=0.06)


def test_the_noise_between_dense_sharp_detail_is_found(random):
    light = np.tile(np.linspace(1, 2, 256), (256, 1))
    light[:190] += random.normal(0, 0.3, (190, 256))  # detail everywhere but in the last rows

    assert level(light + random.normal(0, 0.05, light.shape)) == pytest.approx(0.05, rel=0.25)


def test_photon_noise_has_the_mean_level_and_its_gain(cells, random):
    found = floors_of([3.0 * random.poisson(40 * cells + 5)])

    assert np.sqrt(found.variance.mean()) == pytest.approx(
        3 * np.sqrt((40 * cells + 5).mean()), rel=0.1
    )
    assert found.slope == pytest.approx(3, rel=0.25)


@pytest.mark.parametrize("how", ["enlarged", "averaged"])
def test_interpolated_noise_is_not_underestimated(how, cells, random):
    noise = random.normal(size=cells.shape)
    noise = {
        "enlarged": lambda: zoom(noise, 1.5, order=1)[:256, :256],
        "averaged": lambda: convolve(noise, np.ones((2, 2)) / 4),
    }[how]()
    noise *= 0.03 / noise.std()

    assert level(cells + noise) == pytest.approx(0.03, rel=0.35)


def test_texture_and_gratings_are_no_interpolated_noise(random):
    texture = gaussian_filter(random.normal(size=(256, 256)), 0.75)
    y, x = np.mgrid[:256, :256]
    grating = x / 256 + 0.1 * np.sin(x) * np.sin(y / 1.3)

    assert level(texture) < 0.15 * texture.std()
    assert level(grating) < 1e-4


@pytest.mark.parametrize("fill", [0.0, 5.0])
def test_a_mask_does_not_count(fill, cells, random):
    y, x = np.mgrid[:256, :256]
    noisy = 1 + cells + random.normal(0, 0.03, cells.shape)
    noisy[np.hypot(y - 128, x - 128) > 90] = fill

    assert level(noisy) == pytest.approx(0.03, rel=0.1)


def test_saturated_blocks_do_not_count(cells, random):
    noisy = 0.3 + cells + random.normal(0, 0.03, cells.shape)

    assert level(noisy.clip(None, 0.6)) == pytest.approx(0.03, rel=0.1)


@pytest.mark.parametrize("image", ["constant", "mask", "labels", "steps"])
def test_images_made_of_constant_areas_have_no_noise(image):
    y, x = np.mgrid[:128, :128]
    pixels = {
        "constant": np.full((128, 128), 3.0),
        "mask": np.hypot(y - 64, x - 64) < 40,
        "labels": (x // 30 + 4 * (y // 30)) * 1000,
        "steps": np.rint(x / 12 + y / 100),
    }[image]

    assert level(pixels) == 0


def test_rounding_to_integers_is_noise_of_a_twelfth(cells):
    assert level(np.rint(255 * (cells + 1))) < 12**-0.5 * 1.2


def test_compression_does_not_make_noise(cells, random):
    noisy = (200 * cells + 20 + random.normal(0, 3, cells.shape)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "jpeg", quality=80)

    assert 0.1 * 3 < level(Image.open(file)) < 1.1 * 3
