"""Planes of an enlarged stack lie where a continuous function says."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from napari_sr.engine.image import axial
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import PlanesAlongZ, checked_axial, enlarge_z


def function(z, y, x):
    """Evaluate a smooth function of space, periods of 23, 11 and 9 source planes."""
    return 100 + 40 * np.sin(2 * np.pi * z / 23 + 0.3) * np.cos(y / 11) + 20 * np.cos(x / 9 + z / 7)


def sampled(planes, factor=Fraction(1)):
    """Sample it at the planes of a stack that was enlarged by `factor`."""
    count = -(-planes * factor.numerator // factor.denominator)
    z = (np.arange(count) + 0.5) / float(factor) - 0.5
    y, x = np.mgrid[0:6, 0:8]
    return function(z[:, None, None], y, x)


@pytest.mark.parametrize("factor", [Fraction(2), Fraction(3), Fraction(5, 2), Fraction(47, 10)])
@pytest.mark.parametrize("axis", [0, 1])
def test_planes_are_the_function_at_their_places(factor, axis):
    source = np.moveaxis(sampled(40), 0, axis)

    found = np.moveaxis(enlarge_z(source, axis, factor, np.dtype("float64")), axis, 0)

    expected = sampled(40, factor)
    inside = slice(int(2 * factor), -int(2 * factor) - 1)  # beyond, the stack is mirrored
    assert found.shape == expected.shape
    # half a plane of the result off, the error would be 1 and more
    np.testing.assert_allclose(found[inside], expected[inside], atol=0.2)


def test_slabs_give_the_same_as_the_whole(monkeypatch, random):
    source = random.random((5, 9, 4))
    whole = enlarge_z(source, 0, Fraction(3), np.dtype("float32"))

    monkeypatch.setattr(axial, "MOST_VALUES", 1)

    np.testing.assert_array_equal(enlarge_z(source, 0, Fraction(3), np.dtype("float32")), whole)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint32"])
def test_integers_are_rounded_and_do_not_wrap_around(kind):
    ends = np.iinfo(kind)
    source = np.array([ends.min, ends.min, ends.max, ends.max], kind).reshape(4, 1, 1)

    found = enlarge_z(source, 0, Fraction(4), np.dtype(kind)).ravel()

    assert found.dtype == kind
    assert (np.diff(found.astype(float)) >= 0).all()  # overshoot is clipped
    assert (found[0], found[-1]) == (ends.min, ends.max)


def test_one_plane_is_repeated():
    plane = np.arange(6.0).reshape(1, 2, 3)

    found = enlarge_z(plane, 0, Fraction(3), np.dtype("float64"))

    np.testing.assert_allclose(found, plane.repeat(3, 0))


@pytest.mark.parametrize("wrong", [0.5, 65, True, "2", float("nan")])
def test_a_factor_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValueError, match="axial must be a number from 1 to 64, got "):
        checked_axial(wrong, layout_of((4, 5, 6), np.dtype("uint8"), "ZYX"))


def test_a_stack_without_z_or_with_alpha_is_refused():
    with pytest.raises(ValueError, match="an axis Z, got the axes TYX"):
        checked_axial(2, layout_of((4, 5, 6), np.dtype("uint8"), "TYX"))
    with pytest.raises(ValueError, match="grey or RGB, got RGBA"):
        checked_axial(2, layout_of((4, 5, 6, 4), np.dtype("uint8"), "ZYXS"))


@pytest.mark.parametrize("factor", [Fraction(1), Fraction(3, 2), Fraction(2), Fraction(47, 10)])
@pytest.mark.parametrize("planes", [1, 2, 3, 9])
@pytest.mark.parametrize("kind", ["uint8", "float32", "int32"])
def test_planes_one_by_one_give_the_bits_of_the_whole_stack(factor, planes, kind, random):
    stack = (200 * random.random((planes, 5, 7))).astype("float64" if kind == "int32" else "f4")
    expected = enlarge_z(stack, 0, factor, np.dtype(kind))
    written, most = {}, 0
    along = PlanesAlongZ(planes, factor, np.dtype(kind), written.__setitem__)

    for number, plane in enumerate(stack):
        if number % 3 == 1:
            along.add(number, plane + 9)  # computed again, because memory ran out
        along.add(number, plane)
        most = max(most, len(along._held))

    assert sorted(written) == list(range(len(expected)))
    np.testing.assert_array_equal(np.stack([written[at] for at in sorted(written)]), expected)
    assert most <= 5
