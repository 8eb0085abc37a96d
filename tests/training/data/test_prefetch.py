"""Batches are drawn ahead, in whatever order they are asked for."""

from __future__ import annotations

import pytest
import torch

from napari_sr.training.data.prefetch import BatchLoader


def test_every_number_gives_its_own_batch():
    drawn = []

    def draw(number):
        drawn.append(number)
        return torch.tensor(float(number)), torch.tensor(2.0 * number)

    batches = BatchLoader(draw, torch.device("cpu"), threads=2)
    seen = [batches(number) for number in (5, 6, 7, 8)]
    batches.close()

    assert [(int(lr), int(hr)) for lr, hr in seen] == [
        (5, 10),
        (6, 12),
        (7, 14),
        (8, 16),
    ]
    assert len(drawn) == len(set(drawn)), "a batch was drawn twice"


def test_an_error_while_drawing_reaches_the_trainer():
    def draw(number):
        raise ValueError(f"image {number} is broken")

    batches = BatchLoader(draw, torch.device("cpu"))

    with pytest.raises(ValueError, match="image 3 is broken"):
        batches(3)
    batches.close()
