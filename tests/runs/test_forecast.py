from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.forecast import forecast
from napari_sr.runs.model_list import Choice, Model, known_models
from napari_sr.runs.run import Request
from napari_sr.runs.source import Source
from napari_sr.zoo import download


def source_of(pixels, *, rgb=False, plane=None):
    """Return the pixels of a layer, or of one of its planes."""
    shape = pixels.shape if plane is None else (1, *pixels.shape[1:])
    axes = "ZYXS"[-pixels.ndim :] if rgb else "ZYX"[-pixels.ndim :]
    return Source("cells", pixels, shape, axes, rgb, plane)


def request(source, choice, **settings):
    return Request(source, choice.reference, Settings(**settings), source.axes)


@pytest.fixture
def choice():
    return Choice(known_models()[0], 2)


def test_it_says_size_memory_and_time(choice, loader):
    source = source_of(np.zeros((7, 160, 160), np.uint16))

    told = forecast(request(source, choice, tile=64))

    assert told.shape == (7, 320, 320)
    assert not told.missing
    assert told.sentence.startswith("Result: 7 \u00d7 320 \u00d7 320, 1.4 MB. Takes about ")
    assert "less than a second, in 63 tiles of 64 px" in told.sentence


def test_what_tiles_cost_is_said(choice, loader):
    source = source_of(np.zeros((5000, 5000), np.uint8))
    told = forecast(request(source, choice, tile=64))
    few = dataclasses.replace(told.estimate, overhead=0.02, spilled_bytes=10**6)
    many = dataclasses.replace(told.estimate, overhead=0.37, spilled_bytes=3 * 10**9)

    small, large = (dataclasses.replace(told, estimate=each).sentence for each in (few, many))

    assert small.endswith("tiles of 64 px.")
    assert large.endswith(
        "tiles of 64 px, which takes 37% longer than one tile would; "
        "3.0 GB of intermediate results wait in memory or files."
    )


def test_seams_that_may_show_are_told(choice, loader):
    source = source_of(np.zeros((160, 160), np.uint16))
    told = forecast(request(source, choice, tile=64))
    guessed = dataclasses.replace(told, estimate=dataclasses.replace(told.estimate, exact=False))

    assert "seams" not in told.sentence
    assert guessed.sentence.endswith("; their seams may show.")


def test_the_price_of_an_ensemble_is_said(choice, loader):
    source = source_of(np.zeros((2, 160, 160), np.uint16))

    once, eight = (forecast(request(source, choice, tile=64, ensemble=so)) for so in (False, True))

    assert eight.estimate.seconds == pytest.approx(8 * once.estimate.seconds)
    assert "in 144 tiles of 64 px over 8 views, which" in eight.sentence
    assert "longer than one tile a view would" in eight.sentence
    assert "in 18 tiles of 64 px, which" in once.sentence


def test_a_blend_takes_what_its_first_checkpoint_takes_and_waits_for_both(choice, loader):
    source = source_of(np.zeros((10, 20), np.uint8))
    other = Model("near.pth", "near", "", "", (2,))

    told = forecast(request(source, choice.blended(other, 0.3)))

    assert told.estimate == forecast(request(source, choice)).estimate
    assert [str(asked[0]) for asked in loader.asked] == ["fsrcnn-x2", "near.pth"]
    bsrn = next(model for model in known_models() if model.name == "bsrn")
    foreign = dataclasses.replace(choice, other=Choice(bsrn, 2))
    assert download.local_path(foreign.other.entry) is None
    assert forecast(request(source, foreign)).missing


def test_colours_are_not_enlarged(choice, loader):
    source = source_of(np.zeros((10, 20, 3), np.uint8), rgb=True)

    assert forecast(request(source, choice)).shape == (20, 40, 3)


def test_one_plane_is_forecast_alone(choice, loader):
    source = source_of(np.zeros((7, 16, 16), np.uint8), plane=(3,))

    assert forecast(request(source, choice)).shape == (1, 32, 32)


def test_a_model_that_is_not_here_is_not_loaded(choice, loader, monkeypatch):
    monkeypatch.setattr(download, "local_path", lambda entry: None)
    source = source_of(np.zeros((10, 20), np.uint8))

    told = forecast(request(source, choice))

    assert told.missing
    assert "will be downloaded first" in told.sentence
    assert not loader.asked


def test_a_tile_that_is_too_small_is_refused(choice, loader):
    loader.network.radius = 8
    source = source_of(np.zeros((100, 100), np.uint8))

    with pytest.raises(ValueError, match="at least 17 px"):
        forecast(request(source, choice, tile=8))


def test_an_unknown_speed_is_not_told(choice, loader):
    told = forecast(request(source_of(np.zeros((10, 20), np.uint8)), choice))
    estimate = dataclasses.replace(told.estimate, seconds=None)

    sentence = dataclasses.replace(told, estimate=estimate).sentence

    assert "second" not in sentence
