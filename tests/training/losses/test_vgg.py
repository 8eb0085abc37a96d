"""VGG19: its layers, its weights, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from vgg import small_vgg

from napari_sr.training.losses._vgg import BLOCKS, MEAN, NAMES, SPREAD, VGG19, WEIGHTS, weights_of


@pytest.fixture
def state():
    return small_vgg()


def by_hand(state, image, last):
    """Run the layers up to one in float64, as the paper's table lists them."""
    mean, spread = (torch.tensor(value, dtype=torch.float64) for value in (MEAN, SPREAD))
    x = (image.double() - mean[:, None, None]) / spread[:, None, None]
    for place, name in enumerate(NAMES[: NAMES.index(last) + 1]):
        if name.startswith("conv"):
            weight, bias = (
                state[f"features.{place}.{part}"].double() for part in ("weight", "bias")
            )
            x = functional.conv2d(x, weight, bias, padding=1)
        else:
            x = x.clamp_min(0) if name.startswith("relu") else functional.max_pool2d(x, 2)
    return x


def test_layers_stand_where_torchvision_counts_them():
    # the places that torchvision's users cite
    known = {"conv1_2": 2, "relu2_2": 8, "conv3_4": 16, "conv4_4": 25, "conv5_4": 34, "relu5_4": 35}

    assert {name: NAMES.index(name) for name in known} == known
    assert len(NAMES) == 37


def test_layers_of_full_width_have_the_papers_parameters():
    count, inputs = 0, 3
    for width, convolutions in BLOCKS:
        for _ in range(convolutions):
            count += 9 * inputs * 64 * width + 64 * width
            inputs = 64 * width

    # the dense layers: 7 x 7 x 512 to 4096 to 4096 to 1000
    dense = (25_088 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    assert count + dense == WEIGHTS.parameters == 143_667_240


@pytest.mark.parametrize("name", ["conv1_1", "relu1_1", "pool1", "conv3_4", "conv5_4", "relu5_4"])
def test_features_are_those_of_the_layers_run_by_hand(name, state):
    image = torch.rand(2, 3, 32, 32)

    found = VGG19([name], state)(image)[name]

    # fifteen convolutions in float32
    expected = by_hand(state, image, name)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_only_layers_that_are_needed_are_kept(state):
    network = VGG19(["relu1_2", "conv1_1"], state)

    assert len(network.features) == 4
    assert network.least_size == 1
    assert set(network(torch.rand(1, 3, 5, 5))) == {"relu1_2", "conv1_1"}


def test_grey_is_seen_as_three_equal_channels(state):
    network, grey = VGG19(["conv2_1"], state), torch.rand(1, 1, 8, 8)

    found = [network(image)["conv2_1"] for image in (grey, grey.expand(1, 3, 8, 8))]

    torch.testing.assert_close(*found)


def test_nothing_is_learned(state):
    assert not any(weight.requires_grad for weight in VGG19(["conv1_1"], state).parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_runs_in_float32(dtype, state):
    network, image = VGG19(["conv3_1"], state), torch.rand(1, 3, 8, 8).to(dtype)

    with torch.autocast("cpu", dtype=dtype):
        found = network(image)["conv3_1"]

    torch.testing.assert_close(found, network(image.float())["conv3_1"])


def test_unknown_layers_are_named(state):
    with pytest.raises(ValueError, match=r"\.\.\., pool5, got \['conv6_1'\]"):
        VGG19(["conv6_1", "conv1_1"], state)
    with pytest.raises(ValueError, match="pool5, got none"):
        VGG19([], state)


def test_other_weights_are_refused_with_what_is_wrong(state):
    with pytest.raises(ValueError, match=r"named features.0.weight and so on, got \['a'\]"):
        VGG19(["conv1_1"], {"a": torch.rand(1)})
    del state["features.5.bias"]
    with pytest.raises(ValueError, match=r"not the weights of VGG19: .*features\.5\.bias"):
        VGG19(["conv2_1"], state)


def test_small_images_are_refused_with_the_least_size(state):
    network = VGG19(["conv5_1"], state)

    with pytest.raises(ValueError, match=r"at least 16 pixels .* got \(15, 40\)"):
        network(torch.rand(1, 3, 15, 40))
    with pytest.raises(ValueError, match=r"\(N, 1 or 3, H, W\), got \(1, 4, 16, 16\)"):
        network(torch.rand(1, 4, 16, 16))


def test_weights_are_read_from_a_file_or_from_torchvisions_mirror(tmp_path, state, monkeypatch):
    torch.save(state, tmp_path / "vgg.pth")

    read = weights_of(tmp_path / "vgg.pth")

    assert read.keys() == state.keys()
    assert torch.equal(read["features.0.weight"], state["features.0.weight"])
    asked = []
    module = "napari_sr.training.losses._vgg.fetch"
    monkeypatch.setattr(module, lambda entry: asked.append(entry) or tmp_path / "vgg.pth")
    assert weights_of(None).keys() == state.keys()
    assert asked == [WEIGHTS]
    # torchvision names its files by the first digits of their sha256
    assert WEIGHTS.file == f"vgg19-{WEIGHTS.sha256[:8]}.pth"
    assert np.isclose(WEIGHTS.size, 4 * WEIGHTS.parameters, rtol=1e-4)
