"""MS-LapSRN: the authors' files, levels with shared weights, recursions."""

from __future__ import annotations

import pytest
import torch
from luma import gain, luma_of
from reference import SHARED
from torch.nn import functional

from napari_sr.layers.resize import imresize
from napari_sr.models.mslapsrn import MSLapSRN
from napari_sr.zoo import recognition
from napari_sr.zoo.checkpoint import read_checkpoint

FILES = sorted(path.name for path in SHARED.glob("weights/lapsrn/MSLapSRN_D5R?.mat"))


def as_the_paper_says(network, image):
    """Return every level's image, computed as in the paper's figure."""
    leaky = torch.nn.LeakyReLU(0.2)
    source, images = network.head(image), []
    for _ in range(network.scale.bit_length() - 1):
        x = source
        for _ in range(network.recursions):
            for layer in network.body:
                x = functional.conv2d(leaky(x), layer.weight, layer.bias, padding=1)
            x = x + source
        doubled = functional.conv_transpose2d(
            leaky(x), network.doubling.weight, network.doubling.bias, stride=2
        )
        source = doubled[..., :-1, :-1]
        image = network.residual(source) + functional.conv_transpose2d(
            image, network.doubling_image.weight, stride=2, padding=1
        )
        images.append(image)
    return images


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_is_what_the_paper_says(scale, example):
    network = example("mslapsrn", scale=scale, depth=2, recursions=3)
    image = torch.rand(1, 1, 5, 6)

    expected = as_the_paper_says(network, image)

    torch.testing.assert_close(network(image), expected[-1])
    for ours, theirs in zip(network.pyramid(image), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("file", FILES)
def test_authors_files_load(file, shared):
    state = read_checkpoint(shared / "weights/lapsrn" / file)

    network = recognition.build(state, scale=4, recursions=int(file[-5]))

    # 222 K in the paper
    assert sum(parameter.numel() for parameter in network.parameters()) == 222_801


@pytest.mark.parametrize(("scale", "decibels"), [(2, 4), (3, 3), (4, 2.5)])
def test_authors_weights_sharpen_far_beyond_bicubic(scale, decibels, shared):
    state = read_checkpoint(shared / "weights/lapsrn/MSLapSRN_D5R2.mat")
    network = recognition.build(state, scale=scale, recursions=2)

    assert gain(network, luma_of(shared / "data/Set5/HR/butterfly.png", 144)) > decibels


def test_scale_3_is_shrunk_from_4(example):
    image = torch.rand(1, 1, 6, 5)

    expected = imresize(example("mslapsrn", scale=4)(image), 3 / 4)

    torch.testing.assert_close(example("mslapsrn", scale=3)(image), expected, rtol=0, atol=1e-6)


def test_input_range_is_an_option(example):
    network = example("mslapsrn")
    state, image = network.state_dict(), torch.rand(1, 1, 6, 5)
    for key in ("head.weight", "residual.weight", "residual.bias"):
        state[key] = state[key] * (1 / 255 if key == "head.weight" else 255)

    wide = recognition.build(state, scale=2, input_range=255)

    torch.testing.assert_close(wide(image), network(image))
    torch.testing.assert_close(wide.pyramid(image)[-1], network(image))


def test_no_recursion_is_refused():
    with pytest.raises(ValueError, match="recursions=0"):
        MSLapSRN(scale=2, recursions=0)
