from __future__ import annotations

import torch

from napari_sr.zoo.stored_tensor import StoredTensor


def test_values_are_read_when_they_are_asked_for():
    read = []

    def values():
        read.append(True)
        return torch.ones(2)

    stored = StoredTensor((2,), torch.float32, values)

    assert read == []
    assert torch.equal(stored.read(), torch.ones(2))
