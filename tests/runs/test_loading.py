"""Loading the two models of a blend; files and cards are tested with `napari_sr.load`."""

from __future__ import annotations

import copy

import pytest
import torch
from fakes import Nearest
from safetensors.torch import save_file

from napari_sr.engine.planning.devices import on_device
from napari_sr.runs.loading import load, load_both, load_one
from napari_sr.runs.model import ModelReference


def test_the_second_is_loaded_at_the_scale_of_the_first():
    asked = []

    def load_one(reference):
        asked.append((reference.name, reference.scale))
        return Nearest(scale=3)

    load_both(ModelReference("a"), ModelReference("b"), load_one)

    assert asked == [("a", None), ("b", 3)]


def test_a_weight_is_checked_before_anything_is_loaded():
    reference = ModelReference("a", second=ModelReference("b"), weight=1.5)

    with pytest.raises(ValueError, match=r"from 0 to 1.* got 1\.5"):
        load(reference, lambda one: pytest.fail(f"{one.name} was loaded"))


def test_weights_have_channels_last_and_their_values():
    network = load_one(ModelReference("fsrcnn-x2"))

    kernels = [weight for weight in network.parameters() if weight.ndim == 4]
    assert kernels
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in kernels)
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    image = torch.rand(1, 1, 20, 30)
    torch.testing.assert_close(network(image), plain(image), rtol=0, atol=1e-5)


def test_a_device_gets_weights_in_the_layout_that_it_is_fast_with():
    network = load_one(ModelReference("fsrcnn-x2"))

    assert on_device(network, torch.device("cpu"), torch.float32) is network
    elsewhere = on_device(network, torch.device("meta"), torch.float32)

    assert all(weight.is_contiguous() for weight in elsewhere.parameters())


def test_weights_of_a_loaded_network_can_be_saved(tmp_path):
    network = load_one(ModelReference("fsrcnn-x2"))

    save_file(network.state_dict(), tmp_path / "weights.safetensors")

    again = load_one(ModelReference(str(tmp_path / "weights.safetensors"), 2))
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_a_state_dict_of_contiguous_weights_is_no_copy():
    network = Nearest()

    assert network.state_dict()["weight"].data_ptr() == network.weight.data_ptr()
