"""Segments whose trials a run requests."""

from __future__ import annotations

import io

import pytest
import torch
from stages import example

from napari_sr.engine.backends import trial_requests
from napari_sr.engine.backends.interface import SegmentKey
from napari_sr.engine.backends.trial_requests import TrialRequests
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.graph.chain import IMAGE

KEY = SegmentKey("any", (0,), (IMAGE,), ("x",))


@pytest.fixture
def jobs(monkeypatch):
    """Return the names of the segments of all jobs that are submitted."""
    found = []
    monkeypatch.setattr(trial_requests, "ASKED", set())
    monkeypatch.setattr(trial_requests.TRIALS, "submit", lambda content, names: found.append(names))
    return found


@pytest.fixture
def sent(jobs, monkeypatch):
    """Return all jobs that are submitted."""
    found = []

    def read(content, names):
        found.append(torch.load(io.BytesIO(content), weights_only=False))

    monkeypatch.setattr(trial_requests.TRIALS, "submit", read)
    return found


def requests(image=(40, 40)):
    made = TrialRequests(example("fsrcnn"), 1, "float32")
    made.remember(torch.rand(1, 1, *image))
    return made


def test_each_engine_has_a_job_of_its_own_and_each_segment_one_trial(jobs):
    made = requests()
    for engine, name in [("one", "a"), ("other", "b"), ("one", "c"), ("one", "a")]:
        made.add(engine, name, KEY, ((1, 1, 40, 40),))

    made.submit()
    made.add("one", "a", KEY, ((1, 1, 40, 40),))
    made.submit()

    assert sorted(jobs) == [["a", "c"], ["b"]]


def test_a_turned_tile_of_an_ensemble_is_tried_on_the_turned_image(jobs):
    made = requests((40, 30))
    made.add("one", "turned", KEY, ((1, 1, 30, 40),))
    made.add("one", "usual", KEY, ((1, 1, 40, 30),))

    made.submit()

    assert jobs == [["usual"], ["turned"]]


def test_a_tile_longer_than_the_kept_one_is_tried_on_the_kept_one_and_its_reflection(sent):
    made = requests((4, 3))
    made.add("one", "fits", KEY, ((1, 1, 4, 2),))
    made.add("one", "band", KEY, ((1, 1, 2, 14),))

    made.submit()

    tile, (usual, band) = made._image, sent
    assert [[one.name for one in job.wanted] for job in sent] == [["fits"], ["band"]]
    assert torch.equal(usual.image, tile)
    twice = torch.cat([tile, tile.flip(3)], dim=3)
    assert torch.equal(band.image, torch.cat([twice, twice, twice[..., :2]], dim=3))


def test_a_long_run_submits_once_before_its_end(jobs):
    made = requests()
    for name in "ab":
        made.add("one", name, KEY, ((1, 1, 40, 40),))
        made.submit_after(0.0)

    made.submit_after(0.0)
    assert jobs == [["a"]]
    made.submit()

    assert jobs == [["a"], ["b"]]


def test_a_short_run_submits_nothing_before_its_end(jobs):
    made = requests()
    made.add("one", "a", KEY, ((1, 1, 40, 40),))

    made.submit_after(100.0)

    assert jobs == []


def test_a_network_that_cannot_be_sent_is_a_problem_and_no_error(jobs):
    made = requests()
    made._network.secret = lambda: None  # cannot be pickled
    for engine, name in [("one", "a"), ("other", "b")]:
        made.add(engine, name, KEY, ((1, 1, 40, 40),))

    made.submit()

    assert jobs == []
    (problem,) = made.problems
    assert "cannot be sent to another process" in problem
    assert made.refused == {"a", "b"}


def test_clearing_the_requests_frees_the_image(jobs):
    made = requests()
    made.add("one", "a", KEY, ((1, 1, 40, 40),))

    made.clear()
    made.submit()

    assert made._image is None
    assert jobs == []


def test_the_tile_of_planes_of_half_the_size_is_that_of_the_others():
    network = example("esrt")
    planes = profile_of(network, 3, torch.float32).profile.planes
    half, full = ([name for name in planes if planes[name].scale == scale] for scale in (0.5, 1))
    key = SegmentKey("any", (0,), (half[0], full[-1]), ("x",))
    shapes = (1, 16, 20, 20), (1, 16, 40, 41)

    assert TrialRequests(network, 3, "float32")._size(key, shapes) == (40, 41)
