"""Means of what steps report."""

from __future__ import annotations

import torch

from napari_sr.training.totals import Totals


def test_a_mean_is_over_the_steps_that_had_the_value():
    totals = Totals()

    totals.add({"loss": torch.tensor(1.0), "l1": torch.tensor(4.0)})
    totals.add({"loss": torch.tensor(3.0)})

    assert totals.means() == {"loss": 2, "l1": 4}


def test_one_unhealthy_step_shows():
    totals = Totals()

    for healthy in (True, False, True, True):
        totals.add({"healthy": torch.tensor(healthy)})

    assert totals.means() == {"healthy": 0.75}
