"""What `pixel_shuffle_add` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import launched
from sr_kernels.pixel_shuffle_add import BLOCK, pixel_shuffle_add

pytestmark = pytest.mark.usefixtures("kernels")
SCALES = [2, 3, 4]


def numbered(shape, device):
    """Return a tensor whose every value tells its place, exactly."""
    size = torch.Size(shape).numel()
    return (torch.arange(size, device=device) % 2039).reshape(shape).half()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("planes", [1, 3, 6])
def test_every_pixel_comes_from_its_channel(device, scale, planes):
    height, width = 3, BLOCK + 5
    x = numbered((2, planes * scale**2, height, width), device)

    y = pixel_shuffle_add(x, scale)

    shares = x.reshape(2, planes, scale, scale, height, width)
    for i in range(scale):
        for j in range(scale):
            assert torch.equal(y[:, :, i::scale, j::scale], shares[:, :, i, j])
    assert launched() == {"pixel_shuffle_add": 1}


@pytest.mark.parametrize("scale", SCALES)
def test_the_skip_is_added_where_it_lies(device, scale):
    skip = numbered((1, 3, 5 * scale, 7 * scale), device)
    x = torch.zeros(1, 3 * scale**2, 5, 7, device=device).half()

    y = pixel_shuffle_add(x, scale, skip)

    assert torch.equal(y, skip)


@pytest.mark.parametrize("scale", SCALES)
def test_the_result_is_an_image_in_nchw(device, scale):
    x = numbered((2, 3 * scale**2, 4, 5), device).to(memory_format=torch.channels_last)

    y = pixel_shuffle_add(x, scale)

    assert y.shape == (2, 3, 4 * scale, 5 * scale)
    assert y.is_contiguous()


def test_a_scale_of_one_only_adds(device):
    x = numbered((1, 3, 4, 5), device)

    assert torch.equal(pixel_shuffle_add(x, 1, x), 2 * x)


@pytest.mark.parametrize(("shape", "scale"), [((1, 6, 4, 5), 2), ((1, 4, 4), 2), ((1, 4, 4, 5), 0)])
def test_an_error_names_shape_and_scale(device, shape, scale):
    with pytest.raises(ValueError, match=f"scale {scale}$") as caught:
        pixel_shuffle_add(torch.ones(shape, device=device), scale)

    assert str(shape) in str(caught.value)


def test_an_error_names_the_skip_that_would_fit(device):
    x = torch.ones(1, 12, 4, 5, device=device)

    with pytest.raises(ValueError, match=r"a skip \(1, 3, 8, 10\), got \(1, 3, 4, 5\)"):
        pixel_shuffle_add(x, 2, x[:, :3])
