"""Records of optimiser, schedule and adversary refuse what cannot be meant."""

from __future__ import annotations

import pytest

from napari_sr.training.component import ComponentSpec
from napari_sr.training.optim_config import Adversary, Optimiser, Schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Optimiser(learning_rate=-1), "learning_rate must be above 0, got -1"),
        (lambda: Optimiser(betas=(0.9, 1.0)), r"betas must be in 0..1, got \(0.9, 1.0\)"),
        (lambda: Schedule("step"), r"given either every or at, got \(0, \(\)\)"),
        (lambda: Schedule("cosine", every=3), r"omitted with kind 'cosine', got \(3, \(\)\)"),
        (
            lambda: Adversary("wasserstein", 1.0),
            r"bounded by either clip or penalty, got \(0.0, 0.0\)",
        ),
        (lambda: Adversary("relativistic", 1.0, clip=0.1), "omitted with kind 'relativistic'"),
        (lambda: Optimiser(decay=float("inf")), "decay must be at least 0, got inf"),
        (lambda: Optimiser(epsilon=float("inf")), "epsilon must be above 0, got inf"),
        (lambda: Optimiser(lr_scale={"a": float("inf")}), "lr_scale must be factors above 0"),
        (lambda: Schedule(warm_up=10**10), "warm_up must be at most"),
        (lambda: Adversary("relativistic", float("inf")), "weight must be above 0, got inf"),
        (
            lambda: Adversary("wasserstein", 1.0, penalty=float("inf")),
            r"clip and penalty must be at least 0, got \(0\.0, inf\)",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_critic_is_bounded_by_one_thing():
    assert Adversary("wasserstein", 1.0, ComponentSpec("wgan"), penalty=10.0).clip == 0
