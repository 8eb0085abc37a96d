"""Processes that train together, of which a second one is played here."""

from __future__ import annotations

import pytest
import torch
from torch import distributed, nn

from napari_sr.training import processes
from napari_sr.training.processes import Place


@pytest.fixture
def second(monkeypatch):
    """Join a group, in which a second process always adds 3 and is sent nothing."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    monkeypatch.setattr(distributed, "all_reduce", lambda tensor: tensor.add_(3))
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    yield
    distributed.destroy_process_group()


def gradients(module):
    module(torch.ones(1, 2)).sum().backward()
    processes.average_gradients(list(module.parameters()))
    return [one.grad.tolist() for one in module.parameters()]


@pytest.mark.usefixtures("second")
def test_gradients_are_the_mean_of_all_processes():
    assert gradients(nn.Linear(2, 1)) == [[[2, 2]], [2]]


@pytest.mark.usefixtures("second")
def test_a_flag_of_any_process_is_everyones():
    assert processes.anywhere(False, torch.device("cpu"))


@pytest.mark.usefixtures("second")
def test_weights_and_buffers_are_sent(monkeypatch):
    sent = []
    monkeypatch.setattr(distributed, "broadcast", lambda tensor, source: sent.append(tensor.shape))

    processes.same_everywhere(nn.BatchNorm1d(5))

    assert sent == [(5,), (5,), (5,), (5,), ()]


def test_one_process_is_left_alone():
    with processes.together() as place:
        assert gradients(nn.Linear(2, 1)) == [[[1, 1]], [1]]

    assert place == Place(0, 1, 0)
    assert place.first
    assert not processes.anywhere(False, torch.device("cpu"))
