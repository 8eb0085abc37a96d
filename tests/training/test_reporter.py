"""The log has means, the best result is kept, and what is not finite stops the training."""

from __future__ import annotations

import math

import pytest
import torch
from trainings import tiny

from napari_sr.training import reporter
from napari_sr.training.distributed import Place
from napari_sr.training.learner import Learner
from napari_sr.training.log import rows
from napari_sr.training.reporter import Reporter
from napari_sr.training.session import Session, TrainingError
from napari_sr.training.validation import Judgement
from napari_sr.zoo.card import card_of

CPU = torch.device("cpu")
FLAT = (torch.ones(1, 8, 8), torch.ones(1, 16, 16))


@pytest.fixture
def pairs():
    return [(torch.rand(1, 8, 8), torch.rand(1, 16, 16))]


@pytest.fixture
def make(tmp_path):
    """Return a function that makes a reporter of pairs and of what was saved."""

    def made(pairs, state=None):
        place = Place()
        config = tiny()
        found = Reporter(config, Session(tmp_path), Learner(config, CPU), pairs, place, state)
        found.open(0)
        opened.append(found)
        return found

    opened: list[Reporter] = []
    yield made
    for one in opened:
        one.close()


def learn(reporter, loss, healthy=True):
    reporter.totals.add({"loss": torch.tensor(loss), "healthy": torch.tensor(healthy)})


def test_a_report_has_the_means_since_the_last_one(make, tmp_path):
    reporter = make([])
    for losses in ((1.0, 3.0), (5.0,)):
        for loss in losses:
            learn(reporter, loss)
        reporter.report(len(losses), 1.5, judges=False, saved=0)

    assert [row["loss"] for row in rows(tmp_path / "log.csv")] == ["2", "5"]
    assert reporter.loss == 5


def test_the_best_result_is_kept_with_its_psnr(make, pairs, monkeypatch):
    found = make(pairs)
    scores = iter([20.0, 25.0, 22.0])
    monkeypatch.setattr(reporter, "judgement", lambda *_: Judgement(*[next(scores)] * 2))

    for step in (1, 2, 3):
        learn(found, 1.0)
        found.report(step, 1.0, judges=True, saved=0)

    card = card_of(found.result)
    assert (card["steps"], card["psnr_validation"]) == (2, 25.0)
    assert (found.best.psnr, found.psnr) == (25.0, 22.0)


def test_flat_pairs_are_left_out_and_told(make, pairs):
    found = make([*pairs, FLAT])

    assert len(found.pairs) == 1
    assert found.messages == [
        "1 of 2 held-out images are flat in the part that is scored, and are left out"
    ]
    assert not make([FLAT]).judges


@pytest.mark.parametrize(
    ("saved", "kept"), [(0, "nothing was saved yet"), (4, "the state of step 4 is kept in ")]
)
def test_what_is_not_finite_stops_the_training_and_says_what_is_kept(make, saved, kept):
    found = make([])
    learn(found, math.nan, healthy=False)

    with pytest.raises(TrainingError, match=rf"diverged by step 5: .*loss nan.*; {kept}"):
        found.report(5, 1.0, judges=False, saved=saved)


def test_what_was_learnt_since_the_last_report_is_saved(make):
    first = make([])
    learn(first, 1.0)
    second = make([], first.state())
    learn(second, 3.0)

    assert second.means(2, 0) == {"loss": 2.0}
