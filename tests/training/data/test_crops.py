"""Crops: a function of seed, rank and step, from every place alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from napari_sr.training.data.bicubic import Bicubic
from napari_sr.training.data.crops import Augmentation, Crops, Pose
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.data.pictures import of_array

AS_THEY_ARE = Augmentation(flips=False, turns=False)


@pytest.fixture
def pictures(random):
    stack = random.integers(0, 256, (3, 24, 30), dtype=np.uint8)
    return of_array(stack, name="stack") + of_array(stack[0, :20, :20], name="small")


@pytest.mark.parametrize(
    "degradation", [Bicubic(), Microscope()], ids=lambda one: type(one).__name__
)
def test_a_step_is_the_same_in_any_order_any_thread_and_after_a_new_start(pictures, degradation):
    def crops():
        return Crops(pictures, degradation, scale=2, crop=6, batch=3, channels=1, seed=5)

    first = [crops().batch(step) for step in range(4)]
    again = crops()
    with ThreadPoolExecutor(4) as pool:
        later = list(pool.map(again.batch, [3, 1, 0, 2]))

    for step, (lr, hr) in zip([3, 1, 0, 2], later, strict=True):
        assert torch.equal(lr, first[step][0])
        assert torch.equal(hr, first[step][1])


@pytest.mark.parametrize("other", [{"seed": 6}, {"rank": 1}, {"step": 1}], ids=str)
def test_seed_rank_and_step_each_draw_other_crops(pictures, other):
    options = {"scale": 2, "crop": 6, "batch": 3, "channels": 1, "seed": 5, "rank": 0}
    step = other.pop("step", 0)

    one = Crops(pictures, Bicubic(), **options).batch(0)
    two = Crops(pictures, Bicubic(), **{**options, **other}).batch(step)

    assert not torch.equal(one[0], two[0])


def test_batches_have_the_shapes_that_were_asked_for(pictures):
    lr, hr = Crops(pictures, Bicubic(), scale=3, crop=5, batch=4).batch(0)

    assert (tuple(lr.shape), tuple(hr.shape)) == ((4, 3, 5, 5), (4, 3, 15, 15))
    assert lr.dtype == hr.dtype == torch.float32


def test_small_and_large_show_the_same_place_in_the_same_pose():
    ramp = np.add.outer(np.arange(64), 3 * np.arange(64)).astype(np.float32) / 300

    lr, hr = Crops(of_array(ramp), Bicubic(), scale=2, crop=8, batch=16, channels=1).batch(0)

    # inside, where no border is mirrored, a ramp shrinks to the means of its pixels
    means = torch.nn.functional.avg_pool2d(hr, 2)
    close = (lr - means).abs().amax((1, 2, 3)) < 1e-5
    assert close.sum() >= 8
    rises = {(bool(one[0, 1, 0] > one[0, 0, 0]), bool(one[0, 0, 1] > one[0, 0, 0])) for one in lr}
    assert len(rises) == 4


def test_every_place_of_every_picture_is_as_likely():
    numbers = np.arange(100 * 100, dtype=np.float64).reshape(100, 100) / 10**4
    pictures = of_array(numbers[:30]) + of_array(numbers[30:])
    crops = Crops(
        pictures, Bicubic(), scale=1, crop=1, batch=4000, channels=1, augmentation=AS_THEY_ARE
    )

    drawn = crops.batch(0)[1].flatten().double() * 10**4

    # an even distribution over 100 x 100 places: mean and share of the first picture, six sigmas
    assert drawn.mean().item() == pytest.approx(5000, abs=6 * 10**4 / (12 * 4000) ** 0.5)
    assert (drawn < 3000).double().mean().item() == pytest.approx(0.3, abs=6 * (0.21 / 4000) ** 0.5)
    assert len(drawn.unique()) > 3000


def test_the_last_place_can_be_drawn():
    numbers = np.arange(4, dtype=np.float64).reshape(2, 2) / 4
    crops = Crops(
        of_array(numbers), Bicubic(), scale=1, crop=1, batch=100, channels=1, full_range=True
    )

    assert crops.batch(0)[0].unique().tolist() == [0, 0.25, 0.5, 0.75]


def test_a_picture_smaller_than_a_crop_is_named(pictures):
    with pytest.raises(
        ValueError, match=r"22 x 22 pixels, .* 1 of 4 are smaller, such as small with 20"
    ):
        Crops(pictures, Bicubic(), scale=2, crop=11, batch=1)


def test_small_pictures_are_left_out_where_that_is_wanted(pictures, logged):
    options = {"scale": 2, "batch": 1, "small_pictures": "leave out"}

    crops = Crops(pictures, Bicubic(), crop=11, **options)

    assert len(crops.pairs) == 3
    [told] = logged
    assert "1 of 4 pictures are smaller than a crop" in told.getMessage()
    with pytest.raises(ValueError, match="4 of 4 are smaller"):
        Crops(pictures, Bicubic(), crop=13, **options)


@pytest.mark.parametrize("name", ["crop", "batch", "seed", "rank"])
def test_numbers_out_of_bounds_are_refused(pictures, name):
    options = {"scale": 2, "crop": 4, "batch": 1, name: -1}

    with pytest.raises(ValueError, match=f"{name}=-1"):
        Crops(pictures, Bicubic(), **options)


def test_recorded_small_pictures_stay_with_their_large_ones(random):
    shapes = [(16, 16), (40, 44), (48, 40)]
    hr = [of_array(random.random(shape))[0] for shape in shapes]
    lr = [of_array(picture.whole()[0, ::2, ::2].numpy())[0] for picture in hr]

    lrs, hrs = Crops(
        hr,
        lr,
        scale=2,
        crop=10,
        batch=8,
        channels=1,
        augmentation=AS_THEY_ARE,
        small_pictures="leave out",
    ).batch(0)

    assert torch.equal(lrs, hrs[..., ::2, ::2])


def test_all_eight_poses_differ_and_one_changes_nothing():
    square = torch.arange(9.0).reshape(1, 3, 3)

    poses = [Pose(flipped, turns).apply(square) for flipped in (False, True) for turns in range(4)]

    assert len({tuple(pose.flatten().tolist()) for pose in poses}) == 8
    assert torch.equal(poses[0], square)


def test_small_and_large_stay_on_each_other():
    lr = torch.rand(1, 3, 3)
    hr = lr.repeat_interleave(2, -1).repeat_interleave(2, -2)

    for pose in (Pose(True, 1), Pose(False, 3), Pose(True, 2)):
        assert torch.equal(pose.apply(hr)[:, ::2, ::2], pose.apply(lr))


@pytest.mark.parametrize(
    ("flips", "turns", "count"), [(True, True, 8), (True, False, 2), (False, True, 4)]
)
def test_poses_that_are_wanted_occur_and_no_others(flips, turns, count, random):
    drawn = {Augmentation(flips=flips, turns=turns).draw(random) for _ in range(100)}

    assert len(drawn) == count


def test_none_is_wanted(random):
    assert Augmentation(flips=False, turns=False).draw(random) == Pose()
