"""Given axes are checked; missing axes are guessed where this is safe."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.axes import axes_of


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"),
    [
        ((5, 7), "uint8", "YX"),
        ((4, 5, 7), "uint8", "ZYX"),
        ((2, 4, 5, 7), "float32", "TZYX"),
        ((2, 2, 4, 5, 7), "uint16", "CTZYX"),
        ((5, 7, 3), "uint8", "YXS"),
        ((5, 7, 4), "float64", "YXS"),
        ((5, 3), "uint8", "YX"),
        ((5, 7, 1), "uint8", "YXC"),
        ((6, 5, 7, 1), "float32", "ZYXC"),
        ((5, 7, 3), ">u2", "YXS"),
        ((5, 7, 2, 3), "uint8", "ZYXS"),
    ],
)
def test_unnamed_axes_are_guessed_as_documented(shape, dtype, axes):
    assert axes_of(shape, np.dtype(dtype)) == axes


@pytest.mark.parametrize(("last", "kind"), [(2, "uint8"), (2, "float32"), (3, "int16"), (4, "u4")])
def test_a_last_axis_that_may_be_colour_must_be_named(last, kind):
    shape, kind = (5, 7, last), np.dtype(kind)
    words = rf"of {kind} of shape \(5, 7, {last}\) may be .* axes='YXC'"
    with pytest.raises(ValueError, match=words):
        axes_of(shape, kind)

    assert axes_of(shape, kind, "YXC") == "YXC"
    assert axes_of(shape, kind, "ZYX") == "ZYX"
    assert axes_of((7, last), kind) == "YX"


def test_an_axis_of_unknown_length_is_refused():
    with pytest.raises(ValueError, match=r"shape \(nan, 5\): call compute_chunk_sizes\(\)"):
        axes_of((np.nan, 5), np.dtype("uint8"))


def test_an_array_of_too_many_axes_is_refused():
    assert len(axes_of((1,) * 23 + (4, 5), np.dtype("int16"))) == 25
    with pytest.raises(ValueError, match="at most 23 looped axes, got 24"):
        axes_of((1,) * 24 + (4, 5), np.dtype("int16"))


def test_bool_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"of bool: pass image\.astype\('uint8'\) \* 255"):
        axes_of((4, 5), np.dtype("bool"))


@pytest.mark.parametrize("axes", [5, ("Y", "X"), ["Y", "X"]])
def test_axes_that_are_not_text_are_refused(axes):
    with pytest.raises(ValueError, match="2 different capital letters"):
        axes_of((4, 5), np.dtype("uint8"), axes)


@pytest.mark.parametrize("axes", ["YX", "YXY", "yxc", "ZTC", "SYX", "Y X", ""])
def test_axes_that_do_not_fit_are_refused_with_shape_and_letters(axes):
    with pytest.raises(ValueError, match=rf"\(4, 5, 6\).*{axes!r}"):
        axes_of((4, 5, 6), np.dtype("uint8"), axes)


@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (3, 0), (0, 3, 3)])
def test_an_empty_or_flat_array_is_refused_with_its_shape(shape):
    with pytest.raises(ValueError, match=r"got shape \("):
        axes_of(shape, np.dtype("uint8"))


@pytest.mark.parametrize("dtype", ["bool", "complex64", "U1", "object"])
def test_values_that_are_not_real_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match=str(np.dtype(dtype))):
        axes_of((4, 5), np.dtype(dtype))


def test_samples_of_other_counts_are_refused():
    with pytest.raises(ValueError, match="got 5"):
        axes_of((4, 6, 5), np.dtype("uint8"), "YXS")
