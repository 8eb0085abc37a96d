from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.losses.charbonnier import Charbonnier


@pytest.mark.parametrize("epsilon", [1e-3, 0.5])
def test_is_the_mean_of_rounded_absolute_differences(epsilon, random):
    result, truth = random.random((2, 2, 3, 4, 5))

    value = Charbonnier(epsilon=epsilon)(torch.from_numpy(result), torch.from_numpy(truth))

    expected = np.mean(np.sqrt((result - truth) ** 2 + epsilon**2))
    assert value.item() == pytest.approx(expected, rel=1e-12)


def test_equal_images_have_no_slope_and_the_smallest_loss():
    result = torch.rand(1, 1, 2, 2, requires_grad=True)

    value = Charbonnier()(result, result.detach())
    value.backward()

    assert value.item() == pytest.approx(1e-3)
    assert result.grad.abs().max() == 0


def test_an_epsilon_of_nothing_is_refused():
    with pytest.raises(ValueError, match="epsilon above 0, got 0"):
        Charbonnier(epsilon=0)
