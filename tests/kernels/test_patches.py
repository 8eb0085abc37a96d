"""What enters a patch; what patches compute is in test_conv3x3.py."""

from __future__ import annotations

import pytest
import torch

from sr_kernels._patches import with_pitch


def channels_last(*shape):
    return torch.rand(shape).contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("channels", [slice(0, 8), slice(3, 8), slice(0, 1)], ids=str)
def test_channels_of_a_channels_last_tensor_stay_where_they_lie(channels):
    some = channels_last(2, 8, 3, 5)[:, channels]

    planes, pitch = with_pitch(some)

    assert planes.data_ptr() == some.data_ptr()
    assert pitch == 8


@pytest.mark.parametrize(
    "planes",
    [
        torch.rand(2, 8, 3, 5),
        channels_last(2, 8, 3, 6)[..., :5],
        channels_last(2, 8, 6, 5)[:, :, ::2],
        channels_last(2, 16, 3, 5)[:, ::2],
        torch.rand(2, 8, 1, 1).expand(2, 8, 3, 5),
    ],
    ids=["contiguous", "columns", "rows", "every other channel", "expanded"],
)
def test_other_layouts_are_copied(planes):
    copied, pitch = with_pitch(planes)

    assert copied.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(copied, planes)
    assert pitch == 8


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 1, 3, 5), (1, 3, 4, 1)], ids=str)
def test_pixels_lie_a_pitch_apart_where_sides_are_1(shape):
    planes = torch.rand(shape)

    entered, pitch = with_pitch(planes)

    flat = torch.as_strided(entered, (planes[:, 0].numel(), shape[1]), (pitch, 1))
    assert torch.equal(flat, planes.permute(0, 2, 3, 1).reshape(flat.shape))
