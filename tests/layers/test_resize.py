"""Bicubic resampling against MATLAB's results and formula."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from napari_sr.layers.resize import cubic, imresize, radius_of


def read(path):
    pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB")))
    return pixels.movedim(-1, 0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shrinking_equals_matlab_in_every_sample(scale, shared):
    paths = sorted((shared / f"data/Set5/LR_matlab/x{scale}").glob("*.png"))
    for path in paths:
        whole = read(shared / "data/Set5/HR" / path.name)
        height, width = (size - size % scale for size in whole.shape[-2:])

        result = imresize(whole[:, :height, :width].double(), Fraction(1, scale), largest=255)

        assert torch.equal(result.to(torch.uint8), read(path)), path.name
    assert len(paths) == 5


def keys(distance):
    """Evaluate the cubic kernel in plain Python."""
    x = abs(distance)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def resized_by_hand(line, scale, antialias=True):
    """Resize a list by MATLAB's formula, one sample at a time."""
    shrink = min(scale, 1.0) if antialias else 1.0
    result = []
    for sample in range(1, math.ceil(len(line) * scale) + 1):
        # counted from 1, as MATLAB does
        centre = sample / scale + 0.5 * (1 - 1 / scale)
        total = weights = 0.0
        for place in range(-30, len(line) + 31):
            weight = keys((centre - place) * shrink)
            inside = (place - 1) % (2 * len(line))
            mirrored = inside if inside < len(line) else 2 * len(line) - 1 - inside
            total += weight * line[mirrored]
            weights += weight
        result.append(total / weights)
    return result


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("scale", [2.0, 3.0, 4.0, 1.5, 1.0, 0.5, 0.25, 0.4])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_one_axis_is_the_formula_by_hand(size, scale, antialias):
    torch.manual_seed(size)
    line = torch.rand(size, dtype=torch.float64)
    expected = resized_by_hand(line.tolist(), scale, antialias)

    # every row is the same, so that only columns are resampled in effect
    result = imresize(line.repeat(3, 1), scale, antialias=antialias)

    for row in result:
        assert row.tolist() == pytest.approx(expected, abs=1e-12)


def test_kernel_is_that_of_keys():
    distances = torch.linspace(-3, 3, 121, dtype=torch.float64)

    assert cubic(distances).tolist() == pytest.approx([keys(x) for x in distances.tolist()])


@pytest.mark.parametrize(
    ("shape", "scale", "expected"),
    [
        ((2, 3, 5, 7), 2, (2, 3, 10, 14)),
        ((5, 7), Fraction(1, 3), (2, 3)),
        ((9, 10), Fraction(1, 3), (3, 4)),
        ((7, 9), 1.5, (11, 14)),
        ((1, 1), 4, (4, 4)),
    ],
)
def test_size_is_rounded_up(shape, scale, expected):
    assert imresize(torch.zeros(shape), scale).shape == expected


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str
)
def test_dtype_is_kept_and_half_is_computed_in_float32(dtype):
    torch.manual_seed(0)
    image = torch.rand(3, 8, 9).to(dtype)

    result = imresize(image, 2)

    assert result.dtype == dtype
    exact = imresize(image.double(), 2)
    one_rounding = torch.finfo(dtype).eps
    torch.testing.assert_close(result.double(), exact, rtol=one_rounding, atol=1e-6)


def test_constant_stays_constant():
    result = imresize(torch.full((6, 5), 0.3, dtype=torch.float64), 0.37)

    torch.testing.assert_close(result, torch.full_like(result, 0.3), rtol=0, atol=1e-15)


def test_quantised_result_is_of_integers_in_8_bits():
    torch.manual_seed(0)
    image = torch.randint(0, 2, (9, 9)) * 255.0

    result = imresize(image, 2, largest=255)

    assert torch.equal(result, result.round())
    assert (result.min(), result.max()) == (0, 255)


def test_gradient_flows_through():
    image = torch.rand(1, 1, 5, 5, requires_grad=True)

    imresize(image, 2).sum().backward()

    assert image.grad.isfinite().all() and image.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(3), r"got torch\.float32 \(3,\)"),
        (torch.zeros(0, 4), r"got torch\.float32 \(0, 4\)"),
        (torch.zeros(4, 4, dtype=torch.uint8), r"got torch\.uint8 \(4, 4\)"),
    ],
)
def test_an_invalid_image_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        imresize(image, 2)


@pytest.mark.parametrize("scale", [0, -2, Fraction(-1, 2)])
def test_an_invalid_scale_is_refused(scale):
    with pytest.raises(ValueError, match=f"above 0, got {scale}"):
        imresize(torch.zeros(4, 4), scale)


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("beyond", [0, 1, 4, 8])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_radius_is_how_far_a_pixel_shows(scale, beyond, method):
    image = torch.zeros(1, 41, dtype=torch.float64)
    image[0, 20] = 1

    (touched,) = imresize(image, scale, method=method)[0].nonzero(as_tuple=True)

    seen = range(int(touched.min()) - beyond, int(touched.max()) + beyond + 1)
    expected = max(abs(pixel // scale - 20) for pixel in seen)
    assert radius_of(scale, beyond, method) == expected


def test_unknown_methods_are_answered_with_those_that_exist():
    with pytest.raises(
        ValueError, match=r"needs one of bilinear, bicubic, lanczos, got method='cubic'"
    ):
        imresize(torch.zeros(3, 3), 2, method="cubic")
