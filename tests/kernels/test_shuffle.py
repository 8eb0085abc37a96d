"""Where a pixel shuffle stores its pixels, number by number."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import pixel_shuffle_add as op
from sr_kernels import use_kernels


@pytest.mark.parametrize("channels", [3, 6], ids=["image", "features"])
@pytest.mark.parametrize("scale", [2, 3])
def test_every_place_is_written_once_and_no_other(channels, scale, device, nan_in_new_memory):
    x = torch.arange(channels * scale**2 * 2 * 5.0, device=device).half()
    x = x.reshape(1, channels * scale**2, 2, 5)

    with use_kernels("triton"):
        y = op.pixel_shuffle_add(x, scale)

    assert sorted(y.flatten().tolist()) == x.flatten().tolist()
