"""Values converted to network input and back: exact and bounded, also NaN and alpha."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.image.conversion import Filled, fill_missing
from napari_sr.engine.image.plane_values import Bounds, PlaneValues, ValueRange


@given(low=st.floats(-1e4, 1e4), width=st.floats(1e-2, 1e5), value=st.floats(-1e4, 1e4, width=32))
def test_a_given_range_maps_floats_back_to_themselves(low, width, value):
    range_ = ValueRange(low, low + width)

    back = range_.decode(range_.encode(np.array([value])), "float64")[0]

    # one rounding to float32 of (value - low) / width, scaled back
    assert abs(back - value) <= 2.0**-24 * max(abs(value - low), width) * 1.01 + 1e-9


def test_integers_are_rounded_and_clipped_never_wrapped():
    range_ = ValueRange(0, 255)

    result = range_.decode(np.array([-0.5, 0.0019, 0.0021, 2.0]), "uint8")

    assert result.tolist() == [0, 0, 1, 255]


@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_the_largest_integers_are_reached_and_not_passed(kind):
    limits = np.iinfo(kind)
    range_ = ValueRange(float(limits.min), float(limits.max))

    result = range_.decode(np.array([-1.0, 0.0, 1.0, 2.0]), kind)

    assert result.tolist() == [limits.min, limits.min, limits.max, limits.max]


def test_half_precision_does_not_become_infinite():
    result = ValueRange(-65504, 65504).decode(np.array([-0.5, 1.5]), "float16")

    assert result.tolist() == [-65504, 65504]


def test_bounds_leave_room_for_overshoot():
    bounds = Bounds.of(0.2, 0.8)

    assert (bounds.low, bounds.high) == pytest.approx((-0.4, 1.4))
    assert Bounds.of(0.5, 0.5).high == 0.75


def test_values_outside_are_clipped_marked_or_kept():
    bounds = Bounds(-1.0, 2.0)
    result = torch.tensor([-5.0, 0.5, 3.0])

    assert bounds.outside(result).tolist() == [True, False, True]
    assert bounds.outside(torch.tensor([torch.nan, torch.inf])).all()
    assert bounds.corrected(result, "clip").tolist() == [-1, 0.5, 2]
    assert bounds.corrected(result, "keep").tolist() == [-5, 0.5, 3]
    assert bounds.corrected(result, "mark").isnan().tolist() == [True, False, True]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bounds_contain_a_result_if_no_value_is_outside(dtype, layout):
    inside = torch.rand(1, 3, 4, 5).to(dtype=dtype, memory_format=layout)
    for low, high in ((0.1, 1.0), (-1 / 3, 1 + 1 / 3)):
        bounds = Bounds(low, high)
        for value in (0.5, low, high, -2.0, 3.0, math.nan, math.inf, -math.inf):
            result = inside.clamp(0.2, 0.9)
            result[0, 1, 2, 3] = value

            assert bounds.contain(result) == (not bounds.outside(result).any()), value

    assert not Bounds(0.1, 1.0).contain(result)


def plane_of(*values, dtype=np.float32):
    return np.array(values, dtype).reshape(-1, 1, 1)


def test_only_large_overshoot_is_reported():
    values = PlaneValues(fill_missing(plane_of(0, 100, np.nan)), ValueRange(0.0, 100.0), np.float32)
    rows, column = slice(0, 3), slice(0, 1)

    values.decode(plane_of(-0.049, 1.049, 0.5), rows, column, 1)
    near = values.overshoot.in_words((0, 100))
    values.decode(plane_of(1.06), slice(1, 2), column, 1)

    assert near == ""
    assert values.overshoot.beyond == 3
    assert "3 values of the result (75.00%)" in values.overshoot.in_words((0, 100))


def test_reset_forgets_the_overshoot_of_earlier_results():
    values = PlaneValues(fill_missing(plane_of(0, 100)), ValueRange(0.0, 100.0), np.float32)
    values.decode(plane_of(2.0, 0.0), slice(0, 2), slice(0, 1), 1)

    values.reset()

    assert (values.overshoot.beyond, values.overshoot.values) == (0, 0)


def test_a_missing_pixel_is_filled_for_the_network_and_nan_in_the_result():
    values = PlaneValues(fill_missing(plane_of(7, np.nan)), ValueRange(0.0, 10.0), np.float64)

    encoded = values.encode(values.pixels)
    result = values.decode(encoded.repeat(2, 0).repeat(2, 1), slice(0, 2), slice(0, 1), 2)

    assert encoded.ravel().tolist() == pytest.approx([0.7, 0.7])
    assert result[:2].ravel().tolist() == pytest.approx([7] * 4)
    assert np.isnan(result[2:]).all()


def test_visible_values_beyond_black_and_white_are_counted():
    values = PlaneValues(
        fill_missing(plane_of(-1, 5, 10, 11, 12)), ValueRange(0.0, 10.0), np.float32
    )

    assert (values.visible, values.beyond) == (5, 3)
    assert (values.lowest, values.highest) == (-1, 12)


def test_opacity_outside_its_range_is_preserved():
    for alpha in (np.full((3, 4), 255.0), np.full((3, 4), -2.0)):
        pixels = np.dstack([np.zeros((3, 4, 3)), alpha])
        values = PlaneValues(fill_missing(pixels), ValueRange(0, 10), np.float64)

        result = values.decode(values.encode(pixels), slice(0, 3), slice(0, 4), 1)

        np.testing.assert_array_equal(result[..., 3], alpha)


def test_a_spread_is_scaled_by_the_values_and_by_opacity(random):
    pixels = (random.random((4, 5, 4)) * 50).astype(np.float32)
    pixels[..., 3] = 0.5
    spread, place = np.full((2, 4, 4), 0.5, np.float32), (slice(0, 1), slice(0, 2), 2)

    grey = PlaneValues(Filled(pixels[..., :1], None), ValueRange(10.0, 30.0), "float32")
    alpha = PlaneValues(Filled(pixels, None), ValueRange(10.0, 30.0), "float32")

    assert grey.decode_spread(spread[..., :1], *place)[0, 0].tolist() == [10.0]
    assert alpha.decode_spread(spread, *place)[1, 3].tolist() == [10.0, 10.0, 10.0, 0.5]


def test_the_spread_of_a_missing_pixel_is_missing():
    pixels = np.ones((1, 2, 1), np.float32)
    pixels[0, 1] = np.nan
    values = PlaneValues(fill_missing(pixels), ValueRange(0.0, 4.0), "float32")

    found = values.decode_spread(np.ones((2, 4, 1), np.float32), slice(0, 1), slice(0, 2), 2)

    assert found[:, :2].ravel().tolist() == [4.0] * 4
    assert np.isnan(found[:, 2:]).all()
