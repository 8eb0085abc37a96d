"""SRCNN: the authors' arrays against their code's results, and other layouts of keys."""

from __future__ import annotations

import pytest
import torch
from reference import cases

from napari_sr.layers.resize import imresize
from napari_sr.models.srcnn import SRCNN
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("SRCNN"))
def test_agrees_with_reference_code(name, case_of):
    case = case_of(name)

    # the reference's images are enlarged already
    network = recognition.build(case.state, scale=1)

    assert list(network.kernels) == case.record["hyper"]["f"]
    assert max(case.errors(network).values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def test_the_network_sees_what_bicubic_enlargement_makes(example):
    network, image = example("srcnn", scale=3), torch.rand(1, 1, 9, 11)
    inner = recognition.build(network.state_dict(), scale=1)

    torch.testing.assert_close(network(image), inner(imresize(image, 3)))


def test_borders_are_repeated_unless_zeros_are_asked_for(example):
    image = torch.full((1, 1, 12, 12), 0.5)
    same, zeros = (example("srcnn", scale=1, replicate=replicate) for replicate in (True, False))

    flat = same(image)
    assert flat.max() - flat.min() < 1e-6
    torch.testing.assert_close(zeros(image)[..., 7:-7, 7:-7], flat[..., 7:-7, 7:-7])
    assert (zeros(image) - flat).abs().max() > 1e-3


THREE = ("extract", "map", "rebuild")


@pytest.mark.parametrize(
    ("theirs", "replicate"),
    [
        (("conv1", "conv2", "conv3"), False),
        (("features.0", "map.0", "reconstruction"), False),
        (("patch_extraction", "nonlinear_map", "recon"), True),
    ],
    ids=["yjn870", "Lornatang", "Nhat-Thanh"],
)
def test_public_layouts_load_with_their_borders(theirs, replicate, example):
    network, image = example("srcnn", replicate=replicate), torch.rand(1, 1, 7, 8)
    state = {
        f"{name}.{key}": value
        for name, ours in zip(theirs, THREE, strict=True)
        for key, value in getattr(network, ours).state_dict().items()
    }

    again = recognition.build(state, scale=2)

    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_arrays_of_matlab_count_down_columns(example):
    network = example("srcnn")
    state = {}
    for index, name in enumerate(THREE, start=1):
        convolution = getattr(network, name)
        columns = convolution.weight.transpose(2, 3).flatten(2).permute(1, 2, 0)
        state[f"weights_conv{index}"] = columns.squeeze(0) if index == 1 else columns
        state[f"biases_conv{index}"] = convolution.bias[:, None]
    state["weights_conv3"] = state["weights_conv3"].squeeze(2)

    again = recognition.build(state, scale=2)

    assert all(map(torch.equal, again.parameters(), network.parameters()))


@pytest.mark.parametrize("kernels", [(9, 1, 5), (9, 3, 5), (9, 5, 5)])
def test_checkpoints_of_colour_load(kernels, shared):
    digits = "".join(map(str, kernels))
    path = shared / f"weights/srcnn/nt_SRCNN-{digits}.pt"
    state = torch.load(path, map_location="cpu", weights_only=True)

    network = recognition.build(state, scale=2)

    assert (network.channels, network.kernels) == (3, kernels)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("weights_conv1", (80, 64)),
        ("weights_conv1", (81,)),
        ("weights_conv2", (64, 4, 32)),
        ("biases_conv2", (64, 1)),
    ],
)
def test_arrays_of_other_shapes_match_nothing(key, shape):
    shapes = {"weights_conv1": (81, 64), "weights_conv2": (64, 1, 32), "weights_conv3": (32, 25)}
    shapes |= {"biases_conv1": (64, 1), "biases_conv2": (32, 1), "biases_conv3": (1, 1)}
    state = {name: torch.zeros(size) for name, size in shapes.items()}
    assert recognition.build(state, scale=2).kernels == (9, 1, 5)

    with pytest.raises(ValueError, match="matches none of"):
        recognition.recognise({**state, key: torch.zeros(shape)})


@pytest.mark.parametrize("kernels", [(9, 4, 5), (9, 5)])
def test_impossible_kernels_are_named(kernels):
    with pytest.raises(ValueError, match=rf"three odd kernel sizes, got \({kernels[0]}, "):
        SRCNN(scale=2, kernels=kernels)
