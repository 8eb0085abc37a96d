"""Which networks run for an enlargement by any factor."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fakes import Nearest

import napari_sr
from napari_sr.runs.factor import at_scale, factor_for, factor_of, reference_at
from napari_sr.runs.model import ModelReference


def chosen(reference):
    """Return name, scale and factor, and those of a second model."""
    then = reference.then
    after = () if then is None else (then.name, then.scale)
    return (reference.name, reference.scale, reference.factor, *after)


@pytest.mark.parametrize(
    ("model", "scale", "expected"),
    [
        (None, None, (None, None, None)),
        (None, 3, (None, 3, None)),
        (None, 2.5, ("fsrcnn", 3, Fraction(5, 2))),
        ("fsrcnn", 1.3, ("fsrcnn", 2, Fraction(13, 10))),
        ("fsrcnn", 4.0, ("fsrcnn", 4, None)),
        ("fsrcnn", 1, ("fsrcnn", 2, 1)),
        ("FSRCNN x4", 2.5, ("FSRCNN x4", 4, Fraction(5, 2))),
        ("fsrcnn-x4", 3, ("fsrcnn-x4", 4, 3)),
        ("fsrcnn", 5, ("fsrcnn", 3, 5, "fsrcnn", 2)),
        ("fsrcnn-x4", 5, ("fsrcnn-x4", 4, 5, "fsrcnn", 2)),
        ("fsrcnn", 6.0, ("fsrcnn", 3, None, "fsrcnn", 2)),
        ("fsrcnn", 16, ("fsrcnn", 4, None, "fsrcnn", 4)),
        ("mine.pth", 2, ("mine.pth", 2, None)),
        ("mine.pth", 2.5, ("mine.pth", None, Fraction(5, 2))),
    ],
)
def test_the_network_with_the_next_larger_scale_runs(model, scale, expected):
    assert chosen(reference_at(model, scale)) == expected


@pytest.mark.parametrize(
    ("first", "second", "scale", "expected"),
    [
        (1, "fsrcnn", 2.5, (1, "fsrcnn", 3, Fraction(5, 2))),
        (1, "fsrcnn", 4, (1, "fsrcnn", 4, None)),
        (2, "fsrcnn-x4", 8, (2, "fsrcnn-x4", 4, None)),
    ],
)
def test_two_models_enlarge_by_the_factor_together(first, second, scale, expected):
    network = Nearest(scale=first)
    model = ModelReference(network, then=ModelReference(second))

    found = at_scale(model, scale)

    assert (found.name.scale, found.then.name, found.then.scale, found.factor) == expected


@pytest.mark.parametrize(
    ("name", "scale", "most"), [("micrograph", 6, 4), ("em", 16, 4), ("micrograph-x2", 4, 2)]
)
def test_networks_that_need_the_level_of_the_noise_run_only_once(name, scale, most):
    told = f"{name} enlarges at most {most} times, got {scale}: it needs the level of the noise"
    with pytest.raises(ValueError, match=told):
        reference_at(name, scale)


@pytest.mark.parametrize("scale", [0.5, 0, -1, 16.5, True, "2", float("nan")])
def test_a_wrong_factor_is_refused(scale):
    with pytest.raises(ValueError, match=f"scale must be a number from 1 to 16, got {scale!r}"):
        reference_at("fsrcnn", scale)


@pytest.mark.parametrize(
    ("scale", "told"), [(10**400, "got 1000"), (Fraction(1, 2), "got 1/2: napari-sr enlarges")]
)
def test_a_wrong_number_is_told_as_people_write_it(scale, told):
    with pytest.raises(ValueError, match=f"scale must be a number from 1 to 16, {told}"):
        reference_at("fsrcnn", scale)


def test_a_family_that_enlarges_too_little_is_named():
    with pytest.raises(ValueError, match="enlarges at most 4 times with two networks, got scale=5"):
        at_scale(ModelReference(Nearest(scale=1), then=ModelReference("fsrcnn")), 5)


@pytest.mark.parametrize(
    ("sizes", "factor"),
    [
        ((0.108333, 0.1), Fraction(108333, 100000)),
        ((0.2, 0.1), 2),
        ((1, 1), 1),
        ((8, 0.5), 16),
        ((1, 1 / 3), 3),
    ],
)
def test_pixel_sizes_give_the_factor_exactly(sizes, factor):
    assert factor_for(*sizes) == factor


@pytest.mark.parametrize("sizes", [(0.1, 0.2), (17, 1), (0, 1), (1, -1), ("1", 1), (1, None)])
def test_wrong_pixel_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="pixel"):
        factor_for(*sizes)


def test_pixel_sizes_replace_the_scale():
    assert factor_of(2.5, None) == 2.5
    assert factor_of(None, (0.3, 0.2)) == Fraction(3, 2)
    for scale, sizes in ((2, (0.2, 0.1)), (None, 0.1), (None, (1, 2, 3))):
        with pytest.raises(ValueError, match="pixel_size needs two numbers"):
            factor_of(scale, sizes)


def test_a_result_has_the_wanted_pixels():
    image = np.full((30, 40), 90, np.uint8)

    result = napari_sr.upscale(image, "bicubic", pixel_size=(0.25, 0.1), device="cpu")

    assert result.shape == (75, 100)
    assert (result == 90).all()
