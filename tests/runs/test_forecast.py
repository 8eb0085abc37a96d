from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import dask.array
import numpy as np
import psutil
import pytest
from fakes import Nearest

from napari_sr.engine.backends import choice as backends_choice
from napari_sr.engine.planning import estimate as estimates
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.runs import forecast as forecasts
from napari_sr.runs.forecast import forecast, forecast_all
from napari_sr.runs.model_list import ChosenModel, ListedModel, known_models
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
    return ChosenModel(known_models()[0], 2)


def test_the_sentence_has_size_memory_and_time(choice, loader):
    source = source_of(np.zeros((7, 160, 160), np.uint16))

    result = forecast(request(source, choice, tile=64))

    assert result.shape == (7, 320, 320)
    assert result.estimate is not None
    assert result.sentence.startswith("Result: 7 \u00d7 320 \u00d7 320, 1.4 MB. Takes about ")
    assert "less than a second with PyTorch, in 63 tiles of 54 px" in result.sentence


def test_a_region_is_forecast_alone(choice, loader):
    pixels = np.zeros((7, 1600, 1600), np.float32)
    pixels[0, 0, 0] = np.inf  # outside the region
    source = source_of(pixels)
    region = Region(slice(100, 200), slice(0, 50))

    result = forecast(dataclasses.replace(request(source, choice), region=region))

    assert result.shape == (7, 200, 100)
    whole = forecast(request(source_of(np.zeros((7, 1600, 1600), np.uint8)), choice))
    assert result.estimate.seconds < whole.estimate.seconds / 10


def test_the_cost_of_tiles_is_reported(choice, loader):
    source = source_of(np.zeros((5000, 5000), np.uint8))
    result = forecast(request(source, choice, tile=64))
    few = dataclasses.replace(result.estimate, overhead=0.14, spilled_bytes=10**6)
    many = dataclasses.replace(result.estimate, overhead=0.37, spilled_bytes=3 * 10**9)

    small, large = (dataclasses.replace(result, estimate=each).sentence for each in (few, many))

    assert small.endswith("tiles of 64 px.")
    assert large.endswith(
        "tiles of 64 px, which takes 37% longer than one tile would; "
        "3.0 GB of intermediate results are stored in memory or files."
    )


def test_the_engine_is_named_and_its_speed_counts(choice, loader, monkeypatch):
    source = source_of(np.zeros((2000, 2000), np.uint8))
    plain = forecast(request(source, choice))
    monkeypatch.setattr(backends_choice, "expected_engine", lambda *_: ("openvino", 4.0))

    fast = forecast(request(source, choice))

    assert "with PyTorch, in" in plain.sentence
    assert "with OpenVINO, in" in fast.sentence
    assert fast.estimate.seconds == pytest.approx(plain.estimate.seconds / 4)


def test_possible_seams_are_reported(choice, loader):
    source = source_of(np.zeros((160, 160), np.uint16))
    result = forecast(request(source, choice, tile=64))
    guessed = dataclasses.replace(
        result, estimate=dataclasses.replace(result.estimate, exact=False)
    )

    assert "seams" not in result.sentence
    assert guessed.sentence.endswith("; the tiles may leave seams.")


def test_the_cost_of_an_ensemble_is_reported(choice, loader):
    source = source_of(np.zeros((2, 160, 160), np.uint16))

    once, eight = (forecast(request(source, choice, tile=64, ensemble=so)) for so in (False, True))

    assert eight.estimate.seconds == pytest.approx(8 * once.estimate.seconds)
    once, eight = (
        dataclasses.replace(one, estimate=dataclasses.replace(one.estimate, overhead=0.3))
        for one in (once, eight)
    )
    assert "in 144 tiles of 54 px over 8 views, which" in eight.sentence
    assert "longer than one tile per view would" in eight.sentence
    assert "in 18 tiles of 54 px, which" in once.sentence


def test_the_size_of_a_spread_is_told(choice, loader):
    source = source_of(np.zeros((2, 160, 160), np.uint16))

    plain, more = (
        forecast(request(source, choice, ensemble=True, spread=so)) for so in (False, True)
    )

    values = 2 * 320 * 320
    assert (plain.size, more.size, more.spread) == (2 * values, 6 * values, 4 * values)
    assert "1.2 MB including 819 kB for the spread. Takes" in more.sentence
    assert "spread" not in plain.sentence
    # while a plane is computed, its mean and squares
    assert more.estimate.spilled_bytes - plain.estimate.spilled_bytes == 2 * values
    assert forecast_all([request(source, choice, ensemble=True, spread=True)] * 2).spread == (
        8 * values
    )


def test_a_blend_costs_as_much_as_its_first_checkpoint_and_needs_both(choice, loader):
    source = source_of(np.zeros((10, 20), np.uint8))
    other = ListedModel("near.pth", "near", "", "", (2,))

    result = forecast(request(source, choice.blended(other, 0.3)))

    assert result.estimate == forecast(request(source, choice)).estimate
    assert [str(asked[0]) for asked in loader.asked] == ["fsrcnn-x2", "near.pth"]
    bsrn = next(model for model in known_models() if model.name == "bsrn")
    foreign = dataclasses.replace(choice, second=ChosenModel(bsrn, 2))
    assert download.local_path(foreign.second.entry) is None
    assert forecast(request(source, foreign)).estimate is None


@pytest.fixture
def speeds(monkeypatch):
    """Speeds by the name of the network's class, instead of measured ones."""
    found = {"Consistent": 20.0, "FSRCNN": 100.0}
    monkeypatch.setattr(
        estimates, "measure_speed", lambda network, settings: found[type(network).__name__]
    )
    forecasts._speed.cache_clear()
    yield found
    forecasts._speed.cache_clear()


def seconds_of(choice, **settings):
    source = source_of(np.zeros((40, 40), np.uint8))
    return forecast(request(source, choice, engine="torch", **settings)).estimate.seconds


def test_the_corrections_of_a_consistent_result_take_time(choice, speeds):
    consistent = dataclasses.replace(choice, consistent=True)

    assert seconds_of(consistent) / seconds_of(choice) == pytest.approx(5, rel=0.2)


def test_reflected_pixels_at_the_border_take_time(choice, speeds):
    assert seconds_of(choice, border="zeros") == pytest.approx(40 * 40 / 100)
    assert seconds_of(choice) == pytest.approx(52 * 52 / 100)


def test_colours_are_not_enlarged(choice, loader):
    source = source_of(np.zeros((10, 20, 3), np.uint8), rgb=True)

    assert forecast(request(source, choice)).shape == (20, 40, 3)


def test_one_plane_is_forecast_alone(choice, loader):
    source = source_of(np.zeros((7, 16, 16), np.uint8), plane=(3,))

    assert forecast(request(source, choice)).shape == (1, 32, 32)


def test_a_missing_model_is_not_loaded(choice, loader, monkeypatch):
    monkeypatch.setattr(download, "local_path", lambda entry: None)
    source = source_of(np.zeros((10, 20), np.uint8))

    result = forecast(request(source, choice))

    assert result.estimate is None
    assert "Run asks before it downloads" in result.sentence
    assert not loader.asked


def test_a_tile_that_is_too_small_is_refused(choice, loader):
    loader.network = Nearest(radius=8)
    source = source_of(np.zeros((100, 100), np.uint8))

    with pytest.raises(ValueError, match="at least 17 px"):
        forecast(request(source, choice, tile=8))


def test_an_unknown_time_is_left_out(choice, loader):
    result = forecast(request(source_of(np.zeros((10, 20), np.uint8)), choice))
    estimate = dataclasses.replace(result.estimate, seconds=None)

    sentence = dataclasses.replace(result, estimate=estimate).sentence

    assert "second" not in sentence


@pytest.fixture
def little_memory(monkeypatch):
    """Let 1000 bytes be free."""
    free = SimpleNamespace(available=1000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)


def test_a_result_larger_than_memory_is_told(choice, loader, little_memory):
    result = forecast(request(source_of(np.zeros((20, 30), np.uint8)), choice))

    assert not result.fits
    assert result.sentence.endswith("2.4 kB. It does not fit into the 1.0 kB of free memory.")


def test_lazy_pixels_count_because_they_are_read(choice, loader, monkeypatch):
    free = SimpleNamespace(available=2600)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    pixels = np.zeros((20, 30), np.uint8)

    assert forecast(request(source_of(pixels), choice)).fits
    assert not forecast(request(source_of(dask.array.from_array(pixels)), choice)).fits


def test_a_folder_needs_disk_and_blocks(choice, loader, monkeypatch, tmp_path):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (64,))
    asked = request(source_of(np.zeros((2, 128, 128), np.uint8)), choice, tile=64)

    whole, blocks = forecast(asked), forecast(asked, tmp_path)

    assert blocks.free_disk > 0
    assert "The folder takes up to 175 kB; " in blocks.sentence
    assert "takes up to" not in whole.sentence
    assert blocks.estimate.tiles >= 8


def test_a_full_disk_is_told(choice, loader, tmp_path):
    result = forecast(request(source_of(np.zeros((20, 30), np.uint8)), choice), tmp_path)

    full = dataclasses.replace(result, free_disk=1000)

    assert "up to 3.2 kB; only 1.0 kB are free" in full.sentence
