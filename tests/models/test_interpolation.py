"""Interpolation against Pillow, PyTorch and arithmetic; no checkpoint is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import napari_sr
from napari_sr.layers.resize import imresize
from napari_sr.models.interpolation import KNOWN, Interpolation, options_of

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("method", PILLOW)
def test_inside_the_border_it_is_what_pillow_computes(method, scale):
    network, image = Interpolation(scale=scale, channels=1, method=method), torch.rand(1, 1, 12, 15)
    size = (15 * scale, 12 * scale)
    pillow = Image.fromarray(image[0, 0].numpy()).resize(size, PILLOW[method])

    result = network(image)[0, 0]

    # Pillow ignores pixels beyond the border; MATLAB mirrors the image there
    inside = slice(3 * scale, -3 * scale)
    expected = torch.from_numpy(np.array(pillow))
    torch.testing.assert_close(result[inside, inside], expected[inside, inside])


@pytest.mark.parametrize(("method", "mode"), [("bicubic-torch", "bicubic"), ("bilinear",) * 2])
def test_pytorch_s_methods_are_pytorch_s(method, mode):
    network, image = Interpolation(scale=3, method=method), torch.rand(2, 3, 6, 7)

    expected = torch.nn.functional.interpolate(image, scale_factor=3, mode=mode)

    torch.testing.assert_close(network(image), expected)


def test_bicubic_is_matlab_s():
    image = torch.rand(1, 3, 6, 7)

    assert torch.equal(Interpolation(scale=4)(image), imresize(image, 4))


def test_nearest_repeats_pixels():
    image = torch.tensor([[[[1.0, 2], [3, 4]]]])

    result = Interpolation(scale=2, channels=1, method="nearest")(image)

    assert result[0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


@pytest.mark.parametrize("method", KNOWN)
def test_flat_images_stay_flat_to_the_border(method):
    image = torch.full((1, 3, 5, 4), 0.25)

    result = Interpolation(scale=3, method=method)(image)

    torch.testing.assert_close(result, torch.full((1, 3, 15, 12), 0.25))


@pytest.mark.parametrize(
    ("method", "radius"),
    [("nearest", 0), ("bilinear", 1), ("bicubic", 2), ("bicubic-torch", 2), ("lanczos", 3)],
)
def test_each_looks_as_far_as_its_kernel_reaches(method, radius):
    network = Interpolation(scale=2, method=method)
    image = torch.zeros(1, 3, 1, 20)
    image[..., 10] = 1

    touched = network(image)[0, 0, 0].nonzero()

    assert network.receptive_field == radius
    assert (int(touched.min()) // 2, int(touched.max()) // 2) == (10 - radius, 10 + radius)


def test_no_checkpoint_is_one():
    assert options_of({}) is None
    assert Interpolation(scale=2).state_dict() == {}


def test_an_unknown_method_is_answered_with_all():
    with pytest.raises(ValueError, match=r"must be one of nearest, bilinear, .* got method='sinc'"):
        Interpolation(scale=2, method="sinc")


@pytest.mark.parametrize("method", KNOWN)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_keep_their_range_in_tiles(method, dtype):
    top = np.iinfo(dtype).max
    image = np.random.default_rng(0).integers(0, top, (40, 31), dtype, endpoint=True)
    network = Interpolation(scale=2, method=method)

    tiled = napari_sr.upscale(image, network, tile=16, precision="float16")

    np.testing.assert_array_equal(tiled, napari_sr.upscale(image, network))
    if method == "nearest":
        np.testing.assert_array_equal(tiled, np.kron(image, np.ones((2, 2), dtype)))
