"""Discriminators: their published layers, and what their results mean."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_sr.training.discriminators import esrgan, srgan, wgan

SMALL = {"features": 4}


def convolutions(network):
    """Return outputs, side and stride of every convolution."""
    return [
        (layer.out_channels, layer.kernel_size[0], layer.stride[0])
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
    ]


def norms(network):
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        # SRGAN's paper, figure 4, on its 96 x 96: eight 3x3, seven normalised, 18432-1024-1
        (srgan, 23_565_505),
        # BasicSR's VGG-style network for 128 x 128, as the ESRGAN authors' code counts it
        (esrgan, 14_499_401),
        # SRGAN's without the scales and shifts of its seven normalisations
        (wgan, 23_565_505 - 2 * (64 + 2 * 128 + 2 * 256 + 2 * 512)),
    ],
)
def test_parameters_are_as_many_as_published(make, expected):
    with torch.device("meta"):
        network = make()

    assert sum(parameter.numel() for parameter in network.parameters()) == expected


@pytest.mark.parametrize("make", [srgan, wgan])
def test_srgans_pyramid_is_the_papers(make):
    with torch.device("meta"):
        network = make()

    widths = (64, 64, 128, 128, 256, 256, 512, 512)
    assert convolutions(network) == [(width, 3, 1 + at % 2) for at, width in enumerate(widths)]
    assert norms(network) == (7 if make is srgan else 0)


def test_esrgans_pyramid_is_its_authors():
    with torch.device("meta"):
        network = esrgan()

    widths = (64, 64, 128, 128, 256, 256, 512, 512, 512, 512)
    expected = [(width, 3 + at % 2, 1 + at % 2) for at, width in enumerate(widths)]
    assert convolutions(network) == expected
    assert norms(network) == 9


@pytest.mark.parametrize(("make", "size"), [(srgan, 32), (esrgan, 64), (wgan, 48)])
def test_every_image_gets_one_result(make, size):
    network = make(size=size, channels=1, **SMALL)

    assert network(torch.rand(3, 1, size, size)).shape == (3, 1)


def test_sigmoid_makes_a_probability_of_the_logit():
    torch.manual_seed(0)
    judge, logits = srgan(size=16, **SMALL).eval(), srgan(size=16, sigmoid=False, **SMALL).eval()
    logits.load_state_dict(judge.state_dict())
    images = torch.rand(2, 3, 16, 16)

    torch.testing.assert_close(judge(images), logits(images).sigmoid())


@pytest.mark.parametrize("make", [esrgan, wgan])
def test_scores_have_no_bounds(make):
    network = make(size=32, **SMALL).eval()
    nn.init.constant_(network.judge[-2].bias, -7.0)
    nn.init.zeros_(network.judge[-2].weight)

    assert network(torch.rand(1, 3, 32, 32)).item() == -7


def test_critic_judges_each_image_alone_even_in_training():
    network = wgan(size=16, **SMALL).train()
    images = torch.rand(2, 3, 16, 16, requires_grad=True)

    network(images)[0].sum().backward()

    assert images.grad[0].abs().sum() > 0
    assert images.grad[1].abs().sum() == 0


@pytest.mark.parametrize("make", [srgan, esrgan, wgan])
def test_gradient_reaches_every_parameter(make):
    torch.manual_seed(0)
    network = make(size=32, **SMALL)

    network(torch.rand(4, 3, 32, 32)).square().sum().backward()

    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


@pytest.mark.parametrize(("make", "size", "least"), [(srgan, 100, 16), (esrgan, 100, 32)])
def test_size_that_cannot_be_halved_is_named(make, size, least):
    with pytest.raises(ValueError, match=f"a multiple of {least} for .*, got size={size}"):
        make(size=size)


@pytest.mark.parametrize("shape", [(1, 3, 16, 32), (1, 1, 32, 32), (3, 32, 32)], ids=str)
def test_other_images_are_refused(shape):
    network = srgan(size=32, **SMALL)

    with pytest.raises(ValueError, match=rf"images \(N, 3, 32, 32\), got \({shape[0]}, {shape[1]}"):
        network(torch.rand(shape))
