"""Processes that train together, of which a second one is played here."""

from __future__ import annotations

import pytest
import torch
from torch import distributed as dist
from torch import nn

from napari_sr.training import distributed
from napari_sr.training.distributed import Place


@pytest.fixture
def second(monkeypatch):
    """Join a group, in which a second process always adds 3 and is sent nothing."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    monkeypatch.setattr(dist, "all_reduce", lambda tensor: tensor.add_(3))
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    yield
    dist.destroy_process_group()


def gradients(module):
    module(torch.ones(1, 2)).sum().backward()
    distributed.average_gradients(list(module.parameters()))
    return [one.grad.tolist() for one in module.parameters()]


@pytest.mark.usefixtures("second")
def test_gradients_are_the_mean_of_all_processes():
    assert gradients(nn.Linear(2, 1)) == [[[2, 2]], [2]]


@pytest.mark.usefixtures("second")
def test_a_flag_of_any_process_is_everyones():
    assert distributed.anywhere(False, torch.device("cpu"))


@pytest.mark.usefixtures("second")
def test_weights_and_buffers_are_sent(monkeypatch):
    sent = []
    monkeypatch.setattr(dist, "broadcast", lambda tensor, source: sent.append(tensor.shape))

    distributed.same_everywhere(nn.BatchNorm1d(5))

    assert sent == [(5,), (5,), (5,), (5,), ()]


def test_one_process_is_left_alone():
    with distributed.together() as place:
        assert gradients(nn.Linear(2, 1)) == [[[1, 1]], [1]]

    assert place == Place(0, 1, 0)
    assert place.first
    assert not distributed.anywhere(False, torch.device("cpu"))
