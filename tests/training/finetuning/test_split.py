from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import finish

from napari_sr.training.data.pictures import of_array
from napari_sr.training.finetuning.config import Image
from napari_sr.training.finetuning.split import JUDGED, hold_out, read


class Lazy:
    """An array that counts how often it is read."""

    def __init__(self, array):
        self.array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return self.array[index]


def all_of(picture):
    return picture.read(slice(0, picture.height), slice(0, picture.width))


@pytest.fixture
def stack(random):
    return random.integers(0, 255, (6, 40, 30), np.uint8)


def test_what_is_judged_and_what_is_learnt_share_no_pixel_and_miss_none(stack):
    numbered = np.arange(50 * 40, dtype=np.uint16).reshape(50, 40)

    training_data = hold_out([of_array(numbered)], 2).training_data

    learnt = np.concatenate([all_of(one).ravel() for one in training_data.learnt])
    judged = np.concatenate([all_of(one).ravel() for one in training_data.held_out])
    assert sorted([*learnt, *judged]) == list(range(2000))
    assert len(judged) == 16 * 40
    assert judged.min() == 17 * 40  # the middle


def test_a_wide_image_is_parted_along_its_width():
    (band,) = hold_out([of_array(np.zeros((20, 100), np.uint8))], 2).training_data.held_out

    assert (band.height, band.width) == (20, 20)


def test_a_short_image_gives_the_band_at_its_end():
    parts = hold_out([of_array(np.zeros((40, 20), np.uint8))], 2)

    assert [(one.height, one.width) for one in parts.training_data.learnt] == [(24, 20)]
    assert [(one.height, one.width) for one in parts.training_data.held_out] == [(16, 20)]
    assert parts.crop == 10


def test_the_same_band_of_every_plane_is_held_out_and_some_are_judged(random):
    planes = of_array(random.integers(0, 255, (30, 40, 80), np.uint8), axes="ZYX")

    training_data = hold_out([planes], 2).training_data

    assert len(training_data.learnt) == 60
    assert len(training_data.held_out) == JUDGED
    assert training_data.held_out[0].name == "array, plane (1,)"
    assert training_data.held_out[-1].name == "array, plane (28,)"


def test_a_crop_fits_into_the_smallest_image():
    small, large = (of_array(np.zeros((side, side), np.uint8)) for side in (40, 400))

    assert hold_out([large], 2).crop == 24
    assert hold_out([large, small], 2).crop == 12


@pytest.mark.parametrize("shape", [(31, 40), (63, 32), (400, 31)])
def test_an_image_without_room_for_both_is_refused_with_its_size(shape):
    (picture,) = of_array(np.zeros(shape, np.uint8), name="dot")

    with pytest.raises(ValueError, match="dot is too small") as told:
        hold_out([[picture]], 4)

    assert f"{shape[0]} x {shape[1]} pixels, and needs 64 x 32" in str(told.value)


def test_lazy_planes_are_read_once(stack):
    lazy = Lazy(stack)

    told, ((first, *others),) = finish(read([Image("stack", lazy, "ZYX")]))
    reads = lazy.reads
    first.whole()

    assert told == [(done, 6) for done in range(1, 7)]
    assert len(others) == 5
    assert reads == lazy.reads == 6
    np.testing.assert_array_equal(first.read(slice(2, 5), slice(3, 9)), stack[0, 2:5, 3:9])


def test_of_more_planes_than_fit_some_are_taken_evenly(stack):
    _, (planes,) = finish(read([Image("stack", Lazy(stack), "ZYX")], memory=2 * 1200))

    assert [one.name for one in planes] == ["stack, plane (1,)", "stack, plane (4,)"]


def test_a_plane_that_does_not_fit_stays_where_it_is(stack):
    lazy = Lazy(stack[:1])

    _, ((plane,),) = finish(read([Image("stack", lazy, "ZYX")], memory=1000))
    before = lazy.reads
    plane.crop(slice(0, 8), slice(0, 8))

    assert (before, lazy.reads) == (0, 1)


def test_arrays_in_memory_are_not_copied(stack):
    _, (planes,) = finish(read([Image("stack", stack, "ZYX")], memory=1))

    assert len(planes) == 6
    assert np.shares_memory(planes[3].read(slice(0, 4), slice(0, 4)), stack)


def test_floats_that_are_not_finite_are_told_before_anything_is_learnt():
    pixels = np.zeros((3, 40, 40), np.float32)
    pixels[1, 2, 3] = np.nan

    with pytest.raises(ValueError, match=r"depth, plane \(1,\) has 1 NaN or infinite value$"):
        finish(read([Image("depth", pixels, "ZYX")]))


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="at least one training image"):
        finish(read([]))


def test_masked_integers_and_gaps_are_told_with_the_images_name(stack):
    hidden = np.ma.masked_array(stack, mask=stack == stack[0, 0, 0])

    with pytest.raises(ValueError, match=r"^cells: \d+ of 7200 values are masked"):
        finish(read([Image("cells", hidden, "ZYX")]))
    with pytest.raises(ValueError, match=r"^cells, plane .* NaN or infinite value"):
        finish(read([Image("cells", hidden.astype(np.float32) / 255, "ZYX")]))


def test_tensors_are_learnt_from(stack):
    _, (planes,) = finish(read([Image("stack", torch.from_numpy(stack), "ZYX")]))

    np.testing.assert_array_equal(all_of(planes[2]), stack[2])
