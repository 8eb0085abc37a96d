"""LapSRN: the authors' files and a port against reference code, levels, other scales."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.layers.resize import imresize
from napari_sr.models.lapsrn import LapSRN
from napari_sr.zoo import recognition
from napari_sr.zoo.checkpoint import read_checkpoint


@pytest.mark.parametrize("name", cases("LapSRN"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    assert network.scale == case.scale
    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


@pytest.mark.parametrize(("scale", "sizes"), [(2, [2]), (4, [2, 4]), (8, [2, 4, 8]), (3, [2, 4])])
def test_pyramid_is_an_image_of_every_level(scale, sizes, example):
    network = example("lapsrn", scale=scale)

    images = network.pyramid(torch.rand(2, 1, 5, 7))

    assert [image.shape for image in images] == [(2, 1, 5 * size, 7 * size) for size in sizes]


@pytest.mark.parametrize("options", [{}, {"kernel": 4, "bias": False}, {"input_range": 255}])
def test_largest_image_of_the_pyramid_is_the_result(options, example):
    network, image = example("lapsrn", scale=4, **options), torch.rand(1, 1, 6, 5)

    torch.testing.assert_close(network.pyramid(image)[-1], network(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("scale", "next_larger"), [(1, 2), (3, 4), (5, 8)])
def test_other_scales_are_shrunk_from_the_next_power_of_2(scale, next_larger, example):
    network, image = example("lapsrn", scale=scale), torch.rand(1, 1, 6, 5)

    enlarged = example("lapsrn", scale=next_larger)(image)

    expected = imresize(enlarged, scale / next_larger)
    torch.testing.assert_close(network(image), expected, rtol=0, atol=1e-6)


def test_untrained_residual_of_zero_leaves_the_image_bilinear(example):
    network, image = example("lapsrn", scale=4), torch.rand(1, 1, 6, 5)
    with torch.no_grad():
        for level in network.levels:
            level.residual.weight.zero_()
            level.residual.bias.zero_()

    result = network(image)[..., 4:-4, 4:-4]

    # transposed convolutions read black pixels beyond the border, interpolation does not
    once = torch.nn.functional.interpolate(image, scale_factor=2.0, mode="bilinear")
    twice = torch.nn.functional.interpolate(once, scale_factor=2.0, mode="bilinear")
    torch.testing.assert_close(result, twice[..., 4:-4, 4:-4])


def test_transposed_convolutions_of_other_sides_are_refused():
    with pytest.raises(ValueError, match="kernel of 3 or 4, got kernel=5"):
        LapSRN(scale=2, kernel=5)


def test_levels_of_different_depths_are_no_lapsrn(example):
    state = example("lapsrn", scale=4).state_dict()
    del state["levels.1.body.2.weight"], state["levels.1.body.2.bias"]

    with pytest.raises(ValueError, match="matches none of"):
        recognition.build(state)


@pytest.mark.parametrize("key", ["input_conv_f", "level1_conv2_f", "level1_img_up_f"])
def test_authors_filters_of_strange_shapes_match_nothing(key, shared):
    state = read_checkpoint(shared / "weights/lapsrn/LapSRN_x2.mat")
    for shape in [(), (3, 3), (3, 3, 64, 64, 1)]:
        with pytest.raises(ValueError, match="matches none of"):
            recognition.build({**state, key: torch.zeros(shape)})
