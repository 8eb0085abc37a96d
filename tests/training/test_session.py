"""A session has no end of its own, and nobody stops it, unless it is told."""

from __future__ import annotations

import math
from pathlib import Path

from napari_sr.training.session import Progress, Session


def test_a_session_runs_to_the_end_and_can_be_resumed_by_default():
    session = Session(Path("out"))

    assert session.minutes == math.inf
    assert not session.stopped()
    assert session.lasting
    assert not session.resume


def test_progress_has_no_scores_before_the_first_report():
    progress = Progress(0, 10)

    assert (progress.loss, progress.psnr, progress.seconds_left) == (None, None, None)
