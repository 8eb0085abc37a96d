"""Networks with different results have different fingerprints."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from fakes import Nearest
from stages import example

from napari_sr.engine.backends.fingerprint import fingerprint


def _in_place(network):
    next(network.parameters()).data.mul_(1.5)  # PyTorch does not count this change


def _option(network):
    network.input_range = 100.0


def _hook(network):
    network.tail.register_forward_hook(_in_place)


def _buffer_without_name(network):
    network.mean = network.mean + 1


def test_equal_networks_have_one_fingerprint():
    assert fingerprint(example("fsrcnn")) == fingerprint(example("fsrcnn"))


def test_one_weight_or_one_option_makes_another_fingerprint():
    plain, changed = example("edsr"), example("edsr")
    with torch.no_grad():
        next(changed.parameters()).view(-1)[0] += 1e-6
    scaled = example("edsr", res_scale=0.7)

    assert len({fingerprint(each) for each in (plain, changed, scaled)}) == 3


@pytest.mark.parametrize("change", [_in_place, _option, _hook, _buffer_without_name])
def test_a_network_that_was_changed_has_another_fingerprint(change):
    network = example("edsr")
    network.mean = torch.zeros(3)
    before = fingerprint(network)

    change(network)

    assert fingerprint(network) != before


def test_an_option_inside_a_partial_function_counts():
    networks = [Nearest(), Nearest()]
    for network, slope in zip(networks, (0.1, 0.2), strict=True):
        network.activate = partial(torch.nn.functional.leaky_relu, negative_slope=slope)

    assert fingerprint(networks[0]) != fingerprint(networks[1])


def test_the_file_of_the_weights_does_not_count():
    plain, loaded = Nearest(), Nearest()
    loaded.provenance = {"file": "weights.pth"}

    assert fingerprint(loaded) == fingerprint(plain)


def test_a_buffer_that_no_checkpoint_holds_makes_another_fingerprint():
    plain, shifted = Nearest(), Nearest()
    for network, value in ((plain, 0.0), (shifted, 1.0)):
        network.register_buffer("shift", torch.tensor(value), persistent=False)

    assert fingerprint(plain) != fingerprint(shifted)


def test_a_network_without_weights_has_a_fingerprint_too():
    assert len(fingerprint(Nearest())) == 64
