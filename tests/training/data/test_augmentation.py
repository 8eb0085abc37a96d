"""The eight ways in which a square lies on itself."""

from __future__ import annotations

import pytest
import torch

from napari_sr.training.data.augmentation import Augmentation, Pose


def test_all_eight_poses_differ_and_one_changes_nothing():
    square = torch.arange(9.0).reshape(1, 3, 3)

    poses = [Pose(flipped, turns).lay(square) for flipped in (False, True) for turns in range(4)]

    assert len({tuple(pose.flatten().tolist()) for pose in poses}) == 8
    assert torch.equal(poses[0], square)


def test_small_and_large_stay_on_each_other():
    small = torch.rand(1, 3, 3)
    large = small.repeat_interleave(2, -1).repeat_interleave(2, -2)

    for pose in (Pose(True, 1), Pose(False, 3), Pose(True, 2)):
        assert torch.equal(pose.lay(large)[:, ::2, ::2], pose.lay(small))


@pytest.mark.parametrize(
    ("flips", "turns", "count"), [(True, True, 8), (True, False, 2), (False, True, 4)]
)
def test_poses_that_are_wanted_occur_and_no_others(flips, turns, count, random):
    drawn = {Augmentation(flips=flips, turns=turns).draw(random) for _ in range(100)}

    assert len(drawn) == count


def test_none_is_wanted(random):
    assert Augmentation(flips=False, turns=False).draw(random) == Pose()
