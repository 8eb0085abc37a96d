from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.image.arrays import (
    Percentiles,
    ValueRange,
    layout_of,
    value_range_of,
)


def test_a_last_c_of_three_is_colour_and_of_five_is_looped_over():
    colour = layout_of((5, 7, 3), "uint8", "YXC")
    channels = layout_of((5, 7, 5), "uint8", "YXC")

    assert (colour.samples, colour.count) == (True, 1)
    assert (channels.samples, channels.count) == (False, 5)


@pytest.mark.parametrize("axes", ["YX", "XY", "ZYX", "XZY", "YXC", "XTYC", "TXZYS"])
def test_writing_what_was_read_restores_the_array(axes, random):
    sizes = {"Y": 5, "X": 7, "Z": 2, "T": 3, "C": 3, "S": 4}
    image = random.random(tuple(sizes[letter] for letter in axes))
    layout = layout_of(image.shape, image.dtype, axes)
    copy = np.full_like(image, np.nan)

    for plane in layout.planes():
        block = layout.read(image, plane)
        assert block.shape[:2] == (5, 7)
        layout.write(copy, plane, slice(0, 5), slice(0, 4), block[:, :4])
        layout.write(copy, plane, slice(0, 5), slice(4, 7), block[:, 4:])

    np.testing.assert_array_equal(copy, image)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_every_integer_survives_the_way_to_floats_and_back(dtype):
    limits = np.iinfo(dtype)
    values = np.arange(limits.min, limits.max + 1).astype(dtype)
    image = values[None]

    range_ = value_range_of(image, layout_of(image.shape, dtype), None)
    encoded = range_.encode(values)

    assert (encoded.min(), encoded.max()) == (0, 1)
    np.testing.assert_array_equal(range_.decode(encoded, dtype), values)


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


def test_the_maximum_of_the_image_never_decides_its_range():
    image = np.full((4, 4), 17, np.uint16)

    range_ = value_range_of(image, layout_of(image.shape, image.dtype), None)

    assert (range_.low, range_.high) == (0, 65535)


def test_percentiles_come_from_the_image_and_survive_a_constant_one(random):
    image = random.random((3, 50, 60))
    layout = layout_of(image.shape, image.dtype)
    flat = np.full((5, 5), 7.0)

    range_ = value_range_of(image, layout, Percentiles(10, 90))
    of_flat = value_range_of(flat, layout_of(flat.shape, flat.dtype), Percentiles())

    assert (range_.low, range_.high) == pytest.approx(np.percentile(image, [10, 90]))
    assert of_flat.decode(of_flat.encode(flat), "float64").tolist() == flat.tolist()


@pytest.mark.parametrize(
    "declared",
    [
        (7, 200),
        [7, 200],
        np.array([7, 200], np.uint8),
        np.array([7.0, 200.0]),
        (np.int64(7), np.float32(200)),
        np.percentile([7.0, 200.0], [0, 100]),
    ],
)
def test_two_numbers_of_any_kind_are_a_range(declared):
    range_ = value_range_of(np.zeros((2, 2)), layout_of((2, 2), "float64"), declared)

    assert range_ == ValueRange(7.0, 200.0)


@pytest.mark.parametrize(
    "declared",
    [
        *((1, 1), (5, 2), (0, np.inf), (np.nan, 1), (5,), 300, "ab", ("0", "1"), (0, 1, 2)),
        *(True, (False, True), np.array([False, True]), {0, 1}, (None, 1), [[0, 1]], (0, 1j)),
        *((-1e308, 1e308), np.array([5, 1]), np.ma.masked_array([0, 1], mask=[True, False])),
    ],
    ids=str,
)
def test_a_range_without_width_is_refused_with_its_values(declared):
    with pytest.raises(ValueError, match="low < high, or Percentiles; got "):
        value_range_of(np.zeros((2, 2)), layout_of((2, 2), "float64"), declared)


@pytest.mark.parametrize("wanted", [Percentiles(50, 50), Percentiles(-1, 5), Percentiles(1, 101)])
def test_percentiles_out_of_order_are_refused(wanted):
    with pytest.raises(ValueError, match=f"low={wanted.low}, high={wanted.high}"):
        value_range_of(np.zeros((2, 2)), layout_of((2, 2), "float64"), wanted)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float64"])
def test_neither_alpha_nor_what_is_transparent_counts_for_percentiles(kind, random):
    image = random.integers(50, 120, (40, 60, 4)).astype(kind)
    image[..., 3] = 1
    expected = value_range_of(image[..., :3], layout_of((40, 60, 3), kind), Percentiles())

    image[:10, :, :3], image[:10, :, 3] = 255, 0

    assert value_range_of(image, layout_of(image.shape, kind), Percentiles()) == expected
    image[..., 3] = 0  # nothing is visible: then everything counts
    assert value_range_of(image, layout_of(image.shape, kind), Percentiles(0, 100)).high == 255


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint32", "uint64"])
def test_percentiles_of_signed_and_wide_integers_lead_back(kind, random):
    limits = np.iinfo(kind)
    low, high = max(limits.min, -1000), min(limits.max, 1000)
    image = random.integers(low, high, (30, 40)).astype(kind)

    range_ = value_range_of(image, layout_of(image.shape, kind), Percentiles())

    assert low <= range_.low < range_.high <= high
    np.testing.assert_array_equal(range_.decode(range_.encode(image), kind), image)


@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_the_largest_integers_are_reached_and_not_passed(kind):
    limits = np.iinfo(kind)
    range_ = ValueRange(float(limits.min), float(limits.max))

    result = range_.decode(np.array([-1.0, 0.0, 1.0, 2.0]), kind)

    assert result.tolist() == [limits.min, limits.min, limits.max, limits.max]


def test_half_precision_does_not_become_infinite():
    result = ValueRange(-65504, 65504).decode(np.array([-0.5, 1.5]), "float16")

    assert result.tolist() == [-65504, 65504]


def test_nan_does_not_hide_percentiles():
    image = np.array([[np.nan, 4095.0], [0.0, np.nan]])
    layout = layout_of(image.shape, image.dtype)

    assert value_range_of(image, layout, Percentiles(0, 100)).high == 4095
    assert value_range_of(image * np.nan, layout, Percentiles(0, 100)).high == 1


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_wide_integers_need_a_declared_range_and_are_clipped_to_their_type(dtype):
    layout = layout_of((2, 2), dtype)

    with pytest.raises(ValueError, match=f"image of {dtype} needs value_range"):
        value_range_of(np.zeros((2, 2), dtype), layout, None)

    limits = np.iinfo(dtype)
    range_ = ValueRange(0, 4095)
    assert range_.decode(range_.encode(np.array([0, 7, 4095])), dtype).tolist() == [0, 7, 4095]
    low, high = range_.decode(np.array([-1e30, 1e30]), dtype)
    assert low == limits.min
    assert limits.max - high <= limits.max * 2.0**-52
