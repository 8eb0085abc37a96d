"""State dicts can be written to files whatever the memory format of a network."""

from __future__ import annotations

import torch
from safetensors.torch import save


def test_weights_with_channels_last_are_contiguous_in_the_state_dict(example):
    network = example("edsr").to(memory_format=torch.channels_last)
    (weight, *_) = (one for one in network.parameters() if one.ndim == 4 and one.shape[1] > 1)

    state = network.state_dict()

    assert not weight.is_contiguous()
    assert all(one.is_contiguous() for one in state.values())
    save(dict(state))  # safetensors refuses other tensors
