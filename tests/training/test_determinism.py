"""Deterministic sums on a GPU are switched on for a training run, and restored after it."""

from __future__ import annotations

import pytest
import torch

from napari_sr.training.determinism import arithmetic


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_gpu_sums_as_told_while_inside_and_as_before_after(deterministic):
    cudnn, before = torch.backends.cudnn, torch.are_deterministic_algorithms_enabled()
    benchmark = cudnn.benchmark

    with arithmetic(torch.device("cuda"), deterministic=deterministic):
        assert torch.are_deterministic_algorithms_enabled() == deterministic
        assert (cudnn.deterministic, cudnn.benchmark) == (deterministic, not deterministic)

    assert torch.are_deterministic_algorithms_enabled() == before
    assert cudnn.benchmark == benchmark


def test_a_cpu_is_left_alone():
    with arithmetic(torch.device("cpu"), deterministic=True):
        assert not torch.are_deterministic_algorithms_enabled()
