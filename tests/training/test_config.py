"""A training's records refuse what cannot be meant."""

from __future__ import annotations

import pytest

from napari_sr.training.config import (
    Adversary,
    Config,
    Data,
    Optimiser,
    Part,
    Run,
    Schedule,
    Start,
    Term,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Data(0, 1), "crop must be at least 1, got 0"),
        (lambda: Data(8, 1, folders=()), "folders must be at least one folder"),
        (lambda: Data(8, 1, made=-1), "made must be at least 0, got -1"),
        (lambda: Data(8, 1, recorded=("a", "b")), r"one for each of 1 folders, got \('a', 'b'\)"),
        (lambda: Data(8, 1, recorded=("a",), sizes=(0.5,)), r"sizes must be left out .* \(0.5,\)"),
        (lambda: Data(8, 1, recorded=("a",), made=3), "made must be left out of .*, got 3"),
        (lambda: Term("l1", weight=0), "weight must be above 0, got 0"),
        (lambda: Term("l1", since=0.5, until=0.5), r"0 <= since < until <= 1, got \(0.5, 0.5\)"),
        (lambda: Optimiser(rate=-1), "rate must be above 0, got -1"),
        (lambda: Optimiser(betas=(0.9, 1.0)), r"betas must be in 0..1, got \(0.9, 1.0\)"),
        (lambda: Schedule("step"), r"told every or at, got \(0, \(\)\)"),
        (lambda: Schedule("cosine", every=3), r"left out of a cosine schedule, got \(3, \(\)\)"),
        (lambda: Adversary("wasserstein", 1.0), r"bounded by clip or by penalty, got \(0.0, 0.0\)"),
        (lambda: Adversary("relativistic", 1.0, clip=0.1), "left out of relativistic"),
        (lambda: Start("checkpoint"), r"given with kind 'checkpoint', and only then, got"),
        (
            lambda: Config(2, Part("fsrcnn"), Data(8, 1), (Term("l1", since=0.5),), Run(2)),
            r"loss must be there at every step, got none from 0 on",
        ),
        (lambda: Run(0), "steps must be at least 1, got 0"),
        (lambda: Run(1, ema=1.0), "ema must be from 0 to below 1, got 1.0"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_critic_is_bounded_by_one_thing():
    assert Adversary("wasserstein", 1.0, Part("wgan"), penalty=10.0).clip == 0
