from __future__ import annotations

from pathlib import Path

import pytest

from napari_sr.training.finetuning.config import FineTuned, Scores


def verdict(psnr, bicubic, start):
    return FineTuned(Path("x"), psnr, Scores(bicubic, start), 100).verdict


def test_a_gain_is_told_against_both():
    told = verdict(31.0, 30.0, 30.5)

    assert "31.00 dB, 1.00 dB above bicubic" in told
    assert "(30.00 dB) and 0.50 dB above the original network (30.50 dB)." in told
    assert told.endswith("(30.50 dB).")


@pytest.mark.parametrize("psnr", [29.0, 30.0, 30.04])
def test_no_gain_over_bicubic_is_said_whatever_the_start_was(psnr):
    told = verdict(psnr, 30.0, 25.0)

    assert "not better than bicubic interpolation: do not use it" in told
    assert ("1.00 dB below bicubic" in told) == (psnr == 29.0)


def test_a_training_that_did_not_help_is_said():
    assert "did not help" in verdict(31.0, 30.0, 31.2)


def test_scores_without_a_truth_are_called_estimated():
    tuned = FineTuned(Path("x"), 31.0, Scores(30.0, 30.5), 100, estimated=True)

    assert tuned.verdict.startswith("On the held-out part (estimated): 31.00 dB")


@pytest.mark.parametrize(
    ("gain", "before", "words"),
    [
        (5.26, 3.0, "at least 5.3 dB above bicubic interpolation."),
        (0.4, 3.0, "no clear difference from bicubic interpolation. Compare both results."),
        (-4.0, 3.0, "not better than bicubic interpolation: do not use it"),
        (5.0, 0.0, "No trained network was clearly better: the original network was kept, with"),
    ],
)
def test_a_lower_bound_is_no_score(gain, before, words):
    psnr = 30.0 + gain
    tuned = FineTuned(Path("x"), psnr, Scores(30.0, psnr - before), 100, estimated=True, bound=True)

    assert words in tuned.verdict
    assert f"{psnr:.2f}" not in tuned.verdict
