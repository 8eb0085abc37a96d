"""The field's degradation: bit for bit MATLAB's, whole or in crops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from napari_sr.layers.resize import imresize
from napari_sr.training.data.bicubic import Bicubic
from napari_sr.training.data.folder import of_folder
from napari_sr.training.data.pairs import Pairs


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_set5_comes_out_as_matlab_made_it(shared, scale, random):
    pictures = of_folder(shared / "data" / "Set5" / "HR")
    pairs = Pairs(pictures, Bicubic(), scale=scale, channels=3)

    for index, picture in enumerate(pictures):
        lr, _ = pairs.whole(index, random)

        name = picture.name.rsplit("/", 1)[-1]
        stored = Image.open(shared / "data" / "Set5" / "LR_matlab" / f"x{scale}" / name)
        matlab = np.asarray(stored.convert("RGB"), np.float32) / 255
        np.testing.assert_array_equal(lr.permute(1, 2, 0).numpy(), matlab)


def test_16_bits_are_rounded_to_16_bits_after_each_pass(random):
    numbers = torch.from_numpy(random.integers(0, 65_536, (1, 12, 16)).astype(np.float32))

    lr = Bicubic().shrink(numbers / 65_535, 4, 65_535)

    assert torch.equal((lr * 65_535).round(), imresize(numbers, 0.25, largest=65_535))


def test_floats_are_not_rounded():
    image = torch.rand(2, 12, 8)

    assert torch.equal(Bicubic().shrink(image, 2, None), imresize(image, 0.5))


def test_a_scale_of_1_changes_nothing():
    image = torch.rand(3, 5, 6)

    assert torch.equal(Bicubic().shrink(image, 1, 255), image)
    assert Bicubic().margin(1) == 0


def test_nothing_is_drawn(random):
    assert Bicubic().drawn(random) == Bicubic()
    assert Bicubic().repeatable
