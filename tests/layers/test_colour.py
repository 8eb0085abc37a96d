from __future__ import annotations

import pytest
import torch
from fake_recorder import Copies
from fakes import Nearest

from napari_sr import models
from napari_sr.layers.colour import enlarge, extra_radius, rgb_to_ycbcr, ycbcr_to_rgb
from napari_sr.layers.resize import imresize


def test_black_white_and_red_have_the_luma_that_matlab_gives_them():
    rgb = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]).reshape(1, 3, 1, 3)

    ycbcr = rgb_to_ycbcr(rgb)[0, :, 0] * 255

    # MATLAB: rgb2ycbcr([0 0 0]) = 16 128 128, white 235 128 128, red 81.481 90.203 240
    expected = torch.tensor([[16, 235, 81.481], [128, 128, 90.203], [128, 128, 240]])
    torch.testing.assert_close(ycbcr, expected, rtol=0, atol=1e-4)


def test_rgb_returns_from_ycbcr():
    rgb = torch.rand(2, 3, 5, 7, dtype=torch.float64)

    torch.testing.assert_close(ycbcr_to_rgb(rgb_to_ycbcr(rgb)), rgb, rtol=0, atol=1e-12)


def test_a_colour_network_sees_grey_as_three_equal_channels():
    seen = []
    network = Nearest(channels=3)
    network.compute = lambda image: (
        seen.append(image) or image.repeat_interleave(2, -1).repeat_interleave(2, -2)
    )
    grey = torch.rand(1, 1, 4, 5)

    result = enlarge(network, grey)

    assert result.shape == (1, 1, 8, 10)
    assert torch.equal(seen[0], grey.expand(1, 3, 4, 5))


def test_a_luma_network_sees_grey_as_the_luma_of_such_rgb():
    seen, network = [], Nearest()
    network.full_range = False
    network.compute = lambda image: (
        seen.append(image) or image.repeat_interleave(2, -1).repeat_interleave(2, -2)
    )
    grey = torch.rand(1, 1, 4, 5)

    result = enlarge(network, grey)

    luma = rgb_to_ycbcr(grey.expand(1, 3, 4, 5))[:, :1]
    torch.testing.assert_close(seen[0], luma)
    torch.testing.assert_close(result[..., ::2, ::2], grey)


def test_a_network_of_the_full_range_sees_black_as_0_and_white_as_1():
    seen, network = [], Nearest()
    network.compute = lambda image: (
        seen.append(image) or image.repeat_interleave(2, -1).repeat_interleave(2, -2)
    )
    grey = torch.tensor([0, 0.3, 1]).reshape(1, 1, 1, 3)
    rgb = grey.expand(1, 3, 1, 3)

    from_grey, from_rgb = enlarge(network, grey), enlarge(network, rgb)

    assert torch.equal(seen[0], grey)
    torch.testing.assert_close(seen[1], grey)
    assert torch.equal(from_grey[..., ::2, ::2], grey)
    torch.testing.assert_close(from_rgb[..., ::2, ::2], rgb)


def test_a_luma_network_enlarges_luma_and_leaves_chroma_to_bicubic():
    rgb = torch.rand(1, 3, 6, 7)

    network = Nearest(scale=3)
    network.full_range = False

    ycbcr = rgb_to_ycbcr(enlarge(network, rgb))

    source = rgb_to_ycbcr(rgb)
    luma = source[:, :1].repeat_interleave(3, -1).repeat_interleave(3, -2)
    torch.testing.assert_close(ycbcr[:, :1], luma, rtol=0, atol=1e-5)
    torch.testing.assert_close(ycbcr[:, 1:], imresize(source[:, 1:], 3), rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_never_enters_the_network_and_stays_within_0_and_1(channels):
    rgba = torch.rand(1, 4, 6, 7)
    rgba[:, 3] = (rgba[:, 3] > 0.5).float()

    result = enlarge(Nearest(channels=channels), rgba)
    without = enlarge(Nearest(channels=channels), rgba[:, :3])

    torch.testing.assert_close(result[:, :3], without)
    assert result[:, 3].min() >= 0
    assert result[:, 3].max() <= 1
    torch.testing.assert_close(result[:, 3:], imresize(rgba[:, 3:], 2).clamp(0, 1))


def test_bicubic_chroma_and_alpha_add_a_radius():
    luma, colour = Nearest(channels=1), Nearest(channels=3)

    assert [extra_radius(luma, channels) for channels in (1, 3, 4)] == [0, 2, 2]
    assert [extra_radius(colour, channels) for channels in (1, 3, 4)] == [0, 0, 2]


def test_a_network_of_other_channels_is_refused():
    with pytest.raises(ValueError, match="got 2"):
        enlarge(Nearest(channels=2), torch.rand(1, 1, 4, 4))


@pytest.mark.parametrize("name", models.names())
def test_nothing_is_copied_to_the_device_a_second_time(name):
    # the meta device stands for a GPU: a CUDA graph cannot capture a copy from the host
    record = models.architecture(name)
    network = record.network(**record.example).to("meta").eval()
    image = torch.zeros(1, 4, 48, 48, device="meta")
    with torch.inference_mode():
        enlarge(network, image)

        with Copies() as copies:
            result = enlarge(network, image)

    assert result.shape == (1, 4, 48 * network.scale, 48 * network.scale)
    assert copies.count == 0


def test_colours_that_were_converted_in_inference_can_be_trained_on():
    with torch.inference_mode():
        rgb_to_ycbcr(torch.rand(1, 3, 2, 2, dtype=torch.float64))
    rgb = torch.rand(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)

    rgb_to_ycbcr(rgb).sum().backward()

    assert rgb.grad.isfinite().all()
