"""Runs from an array or a layer's pixels; generators are run to their end, and closed."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import Nearest, finish

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request, drive, run_request, translate
from napari_sr.runs.source import Source


@pytest.fixture
def network():
    network = Nearest(scale=2)
    network.provenance = {"model": "near", "sha256": "12"}
    return network.eval()


def test_progress_and_result_are_those_of_the_engine(network, random):
    pixels = random.integers(0, 255, (12, 16), np.uint8)

    progress, result = finish(
        run_request(Request(pixels, ModelReference(network), Settings(tile=8)))
    )

    assert progress[-1].done == progress[-1].total == 4
    np.testing.assert_array_equal(result.pixels, pixels.repeat(2, 0).repeat(2, 1))


def test_the_record_names_the_model(network):
    request = Request(np.zeros((4, 5), np.uint8), ModelReference(network))

    _, result = finish(run_request(request))

    assert (result.record["model"], result.record["sha256"]) == ("near", "12")
    assert result.record["scale"] == 2


def test_a_given_network_is_not_loaded_again(network):
    request = Request(np.zeros((4, 5), np.uint8), ModelReference("no such model"))

    _, result = finish(run_request(request, network))

    assert result.pixels.shape == (8, 10)


def test_the_axes_are_those_of_the_request(network):
    request = Request(np.zeros((4, 5, 3), np.uint8), ModelReference(network), axes="ZYX")

    _, result = finish(run_request(request))

    assert result.pixels.shape == (4, 10, 6)


def test_the_plane_of_a_layer_is_read(network, random):
    pixels = random.integers(0, 255, (3, 6, 7), np.uint8)
    source = Source("cells", pixels, (1, 6, 7), "ZYX", rgb=False, plane=(2,))

    _, result = finish(run_request(Request(source, ModelReference(network), axes="ZYX")))

    np.testing.assert_array_equal(result.pixels[0], pixels[2].repeat(2, 0).repeat(2, 1))


@pytest.fixture
def closed():
    return []


@pytest.fixture
def steps(closed):
    def run():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)
        return "result"

    return run()


def test_every_step_is_shown_and_the_result_returned(steps, closed):
    shown = []

    assert drive(steps, shown.append) == "result"
    assert (shown, closed) == ([1, 2], [True])


def test_steps_need_not_be_shown(steps):
    assert drive(steps) == "result"


def test_a_generator_is_closed_if_showing_fails(steps, closed):
    def fail(step):
        raise KeyError(step)

    with pytest.raises(KeyError, match="1"):
        drive(steps, fail)

    assert closed == [True]


def test_steps_are_translated(steps):
    assert finish(translate(steps, "step {}".format)) == (["step 1", "step 2"], "result")


def test_closing_the_translation_closes_the_steps(steps, closed):
    words = translate(steps, str)
    next(words)

    words.close()

    assert closed == [True]
