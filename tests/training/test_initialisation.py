"""What weights are before the first step."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from napari_sr.layers.resize import imresize
from napari_sr.models.edsr import EDSR
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.training.config import Initialisation
from napari_sr.training.initialisation import prepare


@pytest.fixture
def lower(tmp_path):
    """A checkpoint of EDSR x2."""
    torch.manual_seed(1)
    network = EDSR(scale=2, features=4, blocks=1)
    save_file(network.state_dict(), tmp_path / "x2.safetensors")
    return network, tmp_path / "x2.safetensors"


def test_a_lower_scale_gives_what_has_the_same_name_and_shape(lower):
    smaller, path = lower
    network = EDSR(scale=3, features=4, blocks=2)
    fresh = network.enlarge[0].weight.detach().clone()

    told = prepare(network, Initialisation("checkpoint", str(path)))

    assert torch.equal(network.blocks[0].branch[0].weight, smaller.blocks[0].branch[0].weight)
    assert torch.equal(network.enlarge[0].weight, fresh)
    assert told.startswith(
        f"copied 11 of 17 tensors from {path}; newly initialised: blocks.1.branch.0.weight"
    )


def test_another_network_is_refused(lower):
    _, path = lower

    with pytest.raises(
        ValueError, match=r"a checkpoint of FSRCNN, got .*x2.*, which is a checkpoint of EDSR"
    ):
        prepare(FSRCNN(scale=2), Initialisation("checkpoint", str(path)))


def test_a_checkpoint_that_is_nowhere_is_told():
    with pytest.raises(ValueError, match="a file or a known model's name, got 'edsr-x99'"):
        prepare(EDSR(scale=2, features=4, blocks=1), Initialisation("checkpoint", "edsr-x99"))


def test_a_model_that_ships_is_known_by_name():
    network = FSRCNN(scale=3)

    assert (
        prepare(network, Initialisation("checkpoint", "fsrcnn-x2"))
        == "copied 23 of 23 tensors from fsrcnn-x2"
    )


@pytest.mark.parametrize("scale", [2, 3])
def test_a_network_can_start_as_an_interpolation(scale):
    torch.manual_seed(0)
    network = FSRCNN(scale=scale)
    y, x = torch.meshgrid(torch.arange(30.0), torch.arange(30.0), indexing="ij")
    ramp = (0.2 + 0.01 * x + 0.008 * y)[None, None]

    network.start_as_interpolation()

    with torch.inference_mode():
        difference = (network(ramp) - imresize(ramp, scale))[..., 20:-20, 20:-20]
    assert difference.abs().max() < 0.05


def test_only_fsrcnn_starts_as_an_interpolation():
    with pytest.raises(ValueError, match="'interpolation' is for FSRCNN, got EDSR"):
        prepare(EDSR(scale=2, features=4, blocks=1), Initialisation("interpolation"))


def test_a_grey_network_starts_as_the_mean_of_a_colour_networks_colours(lower):
    colour, path = lower
    network = EDSR(scale=2, channels=1, features=4, blocks=1, takes_noise=True)

    told = prepare(network, Initialisation("checkpoint", str(path)))

    assert told == f"copied 13 of 13 tensors from {path}"
    expected = colour.head.weight.sum(dim=1)
    torch.testing.assert_close(network.head.weight[:, 0], expected)
    assert network.head.weight[:, 1].abs().max() == 0
