from __future__ import annotations

import pytest
import torch

from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.recorruption import Recorruption


def test_noise_is_added_to_the_input_and_subtracted_from_the_target(random):
    image = torch.rand(1, 9, 8)
    method = Recorruption(noise=NoiseModel(read_noise=0.1), strength=0.5)

    source, target = method.split(image, image, random)

    assert (source - image).std() == pytest.approx(0.05, rel=0.3)
    torch.testing.assert_close(image - target, (source - image) / 0.25, rtol=1e-4, atol=1e-5)


def test_without_noise_both_are_the_source(random):
    image = torch.rand(1, 9, 8)

    source, target = Recorruption().split(image, image, random)

    assert torch.equal(source, image)
    assert torch.equal(target, image)


def test_a_strength_of_0_is_refused():
    with pytest.raises(ValueError, match=r"strength needs a number above 0.* got 0"):
        Recorruption(strength=0)
