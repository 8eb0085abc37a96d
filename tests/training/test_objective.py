"""Losses are weighed, timed, and given what they read."""

from __future__ import annotations

import pytest
import torch
from trainings import tiny

from napari_sr.models.drcn import DRCN
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.models.lapsrn import LapSRN
from napari_sr.training.data.spot import Spot
from napari_sr.training.measurement import Measurement
from napari_sr.training.objective import Objective, Predictor


def terms(*loss):
    return tiny(loss=list(loss)).loss


@pytest.fixture
def network():
    return FSRCNN(scale=2, features=4, shrunk=2, layers=1)


def test_losses_are_weighed_while_they_count(network):
    loss = ({"kind": "l1", "weight": 2.0, "until": 0.5}, {"kind": "mse", "since": 0.25})
    objective = Objective(terms(*loss), network)
    result, truth = torch.full((1, 1, 4, 4), 0.5), torch.zeros(1, 1, 4, 4)

    totals = [objective(result, (), truth, share) for share in (0.0, 0.3, 0.5)]

    assert [total.item() for total, _ in totals] == [1.0, 1.25, 0.25]
    assert [sorted(parts) for _, parts in totals] == [["l1"], ["l1", "mse"], ["mse"]]


def test_a_pyramid_sees_every_level():
    network = LapSRN(scale=4, features=2, depth=1)
    objective = Objective(terms({"kind": "pyramid"}), network)
    lr, truth = torch.rand(1, 1, 5, 6), torch.rand(1, 1, 20, 24)

    result, more = Predictor(network, objective.reads)(lr)
    total, _ = objective(result, more, truth, 0.0)

    torch.testing.assert_close(result, network(lr))
    assert [tuple(level.shape[-2:]) for level in more] == [(10, 12), (20, 24)]
    total.backward()
    assert network.levels[0].residual.weight.grad.abs().sum() > 0


def test_recursive_supervision_fades_from_all_predictions_to_the_result():
    network = DRCN(scale=2, features=2, depth=3)
    objective = Objective(terms({"kind": "recursive", "fades": 0.5}), network)
    lr, truth = torch.rand(1, 1, 5, 6), torch.rand(1, 1, 10, 12)

    result, more = Predictor(network, objective.reads)(lr)
    values = [objective(result, more, truth, share)[0] for share in (0.0, 0.25, 0.5, 0.9)]

    torch.testing.assert_close(result, network(lr))
    each = torch.stack([(one - truth).square().mean() for one in more]).mean() / 2
    whole = (result - truth).square().mean() / 2
    expected = [each, (each + whole) / 2, whole, whole]
    torch.testing.assert_close(torch.stack(values), torch.stack(expected))


def test_a_loss_that_the_network_cannot_serve_is_refused(network):
    with pytest.raises(ValueError, match=r"'pyramid' needs a network with pyramid\(\), got FSRCNN"):
        Objective(terms({"kind": "pyramid"}), network)


def test_an_adversary_is_no_loss_of_images(network):
    with pytest.raises(
        ValueError, match=r"loss.0.kind must be a loss that compares images, got 'wasser"
    ):
        Objective(terms({"kind": "wasserstein"}), network)


def test_results_are_compared_as_recorded_and_penalties_see_them_whole(network):
    loss = ({"kind": "mse"}, {"kind": "total_variation"})
    objective = Objective(terms(*loss), network, Measurement(Spot()))
    result = torch.zeros(1, 1, 40, 40)
    result[..., ::2] = 2.0

    _, parts = objective(result, (), torch.full((1, 1, 20, 20), 3.0), 0.0)

    assert parts["mse"] == 4
    assert parts["total_variation"] == 2


def test_a_loss_that_needs_more_than_an_image_cannot_be_compared_with_a_noisy_source():
    network = LapSRN(scale=4, features=2, depth=1)

    with pytest.raises(ValueError, match="such as 'mse', got 'pyramid'"):
        Objective(terms({"kind": "pyramid"}), network, Measurement(Spot()))
