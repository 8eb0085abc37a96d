"""Alpha keeps the range of its type, independently of black and white."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.image.opacity import opacity_range, snapped, visible
from napari_sr.engine.image.value_range import Percentiles

KINDS = ["uint8", "uint16", "uint32", "uint64", "int16", "int32", "float16", "float32", "float64"]


def largest(kind):
    return 1 if kind.startswith("float") else np.iinfo(kind).max


def rgba(kind, alpha, random, low=20, high=120):
    colours = random.integers(low, high, (8, 9, 3)).astype(kind)
    return np.dstack([colours, np.broadcast_to(np.array(alpha, kind), (8, 9))])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("declared", [(20, 100), Percentiles(5, 60)], ids=["limits", "share"])
def test_opaque_stays_exactly_opaque(kind, declared, random):
    image = rgba(kind, largest(kind), random)

    result = napari_sr.upscale(image, "bicubic-x2", axes="YXC", value_range=declared)

    assert result.dtype == kind
    assert np.unique(result[..., 3]).tolist() == [largest(kind)]


@pytest.mark.parametrize("options", [{}, {"ensemble": True}, {"tile": 20}], ids=str)
def test_networks_with_weights_leave_opacity_alone(options, random):
    image = np.tile(rgba("uint16", 65535, random), (5, 5, 1))
    image[:20, :, 3] = 0

    result = napari_sr.upscale(image, "fsrcnn-x2", value_range=(0, 4095), **options)

    alpha = result[..., 3]
    assert (np.unique(alpha[:36]).tolist(), np.unique(alpha[44:]).tolist()) == ([0], [65535])


@pytest.mark.parametrize("kind", KINDS)
def test_opacity_never_overshoots_its_range(kind, random):
    image = rgba(kind, 0, random)
    image[:, 4:, 3] = largest(kind)

    result = napari_sr.upscale(image, "lanczos-x2", axes="YXC", value_range=(0, 255))

    alpha = result[..., 3]
    assert (alpha.min(), alpha.max()) == (0, largest(kind))
    assert len(np.unique(alpha)) > 2  # the edge is smooth


def test_colours_are_as_without_alpha(random):
    image = rgba("uint16", random.integers(0, 65536, (8, 9)), random)

    result, colours = (
        napari_sr.upscale(one, "bicubic-x2", value_range=(0, 200))
        for one in (image, image[..., :3])
    )

    np.testing.assert_array_equal(result[..., :3], colours)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (np.array([[3, 9]], np.uint8), (0, 255)),
        (np.array([[-3, 9]], np.int16), (-3, 32767)),
        (np.array([[0.25, np.nan]]), (0, 1)),
        (np.array([[0.0, 255.0]], np.float32), (0, 255)),
    ],
)
def test_the_range_is_the_types_widened_by_what_is_there(alpha, expected):
    assert opacity_range(alpha) == expected


def test_missing_opacity_stays_missing_and_infinite_is_refused(random):
    image = rgba("float32", 1, random, 0, 1)
    image[2, 3, 3] = np.nan

    result = napari_sr.upscale(image, "bicubic-x2")

    assert np.isnan(result[4:6, 6:8, 3]).all()
    assert np.isnan(result).sum() == 4
    image[2, 3, 3] = np.inf
    with pytest.raises(ValueError, match="one infinite value, at y=2, x=3"):
        napari_sr.upscale(image, "bicubic-x2")


def test_opacity_warns_of_no_range(random):
    image = rgba("float32", 1.05, random, 0, 2)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        napari_sr.upscale(image, "fsrcnn-x2")


def test_rounding_errors_at_both_ends_are_taken_out():
    alpha = np.array([1 - 5e-7, 1 + 5e-7, -5e-7, 0.999, 0.5], np.float32)

    np.testing.assert_allclose(snapped(alpha), [1, 1, 0, 0.999, 0.5], rtol=1e-7)


@pytest.mark.parametrize("hidden", [0, 1, 3])
def test_colours_that_are_fully_transparent_are_not_visible(hidden):
    pixels = np.arange(12, dtype=np.float32).reshape(1, 3, 4) + 1
    pixels[0, :hidden, 3] = 0

    shown = visible(pixels, 4)

    # if all are transparent, all count
    assert shown.tolist() == pixels[..., :3][:, hidden % 3 :].reshape(shown.shape).tolist()
