from __future__ import annotations

import pytest
import torch
from noisy import picture, waves

from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.thinning import Thinning


def test_every_photon_is_in_one_part(random):
    counts = torch.from_numpy(random.poisson(5, (1, 20, 20))).float()
    method = Thinning(noise=NoiseModel(gain=2.0, offset=100.0), share=0.75)

    source, target = method.split(100 + 2 * counts, 100 + 2 * counts, random)

    first, second = 0.75 * (source - 100) / 2, 0.25 * (target - 100) / 2
    torch.testing.assert_close(first + second, counts)
    torch.testing.assert_close(first, first.round())


def test_values_below_the_offset_stay_in_both_parts(random):
    method = Thinning(noise=NoiseModel(gain=2.0, offset=100.0))
    image = torch.full((1, 4, 4), 94.0)

    source, target = method.split(image, image, random)

    assert torch.equal(source, image)
    assert torch.equal(target, image)


def test_noise_that_does_not_grow_is_refused():
    method = Thinning(noise=NoiseModel(read_noise=3.0))

    with pytest.raises(ValueError, match="in array it does not: give a gain above 0"):
        method.fitted(picture(waves()))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_must_leave_photons_for_both(share):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {share}"):
        Thinning(share=share)
