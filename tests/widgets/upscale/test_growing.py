from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.upscale import growing
from napari_sr.widgets.upscale.growing import GrowingLayer


@pytest.fixture
def image(tmp_path):
    """Return a result of two levels that blocks write, and a third one."""
    levels = [np.zeros((side, side), np.uint8) for side in (16, 8, 4)]
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    return SimpleNamespace(
        folder=folder,
        levels=tuple(levels[:2]),
        all_levels=tuple(levels),
        blocks=4,
        written=0,
    )


@pytest.fixture
def layer(viewer, image):
    def add(levels, record):
        return viewer.add_image(levels, multiscale=True, metadata={METADATA_KEY: record})

    layer = GrowingLayer(viewer, add)
    layer.begin(image)
    return layer


@pytest.fixture
def refreshed(viewer, layer, monkeypatch, replace_time):
    """Return a list that grows with each refresh of the layer, and a clock that stands still."""
    calls = []
    shown = viewer.layers[0]
    monkeypatch.setattr(type(shown), "refresh", lambda self, **how: calls.append(how))
    now = SimpleNamespace(at=100.0)
    replace_time(growing, monotonic=lambda: now.at)
    return calls, now


def test_the_layer_has_the_levels_that_blocks_write(viewer, layer, image):
    (shown,) = viewer.layers

    assert [level.shape for level in shown.data] == [(16, 16), (8, 8)]
    assert shown.metadata[METADATA_KEY] == {"folder": str(image.folder)}


def test_a_run_that_goes_on_takes_its_former_layer(viewer, layer, image):
    (shown,) = viewer.layers
    shown.colormap = "magenta"
    again = GrowingLayer(viewer, lambda levels, record: viewer.add_image(levels))

    again.begin(image)

    assert list(viewer.layers) == [shown]
    assert shown.colormap.name == "magenta"
    image.written = 4
    assert again.finish({"model": "fsrcnn-x2"}) == shown.name


def test_it_is_refreshed_for_new_blocks_and_not_too_often(layer, image, refreshed):
    calls, now = refreshed
    layer.refresh()
    assert calls == []

    image.written = 1
    layer.refresh()
    image.written = 2
    layer.refresh()
    assert len(calls) == 1

    now.at += growing.PAUSE
    layer.refresh()
    layer.refresh()
    assert len(calls) == 2


def test_after_a_slow_refresh_the_window_has_time(layer, image, refreshed, monkeypatch):
    calls, now = refreshed

    def slow(self, **how):
        calls.append(how)
        now.at += 2.0

    monkeypatch.setattr("napari.layers.Image.refresh", slow)
    image.written = 1
    layer.refresh()

    image.written = 2
    now.at += 15.0
    layer.refresh()
    assert len(calls) == 1

    now.at += 6.0
    layer.refresh()
    assert len(calls) == 2


def test_a_finished_layer_has_all_levels_and_its_record(viewer, layer, image):
    image.written = 4

    name = layer.finish({"model": "fsrcnn-x2"})

    (shown,) = viewer.layers
    assert name == shown.name
    assert len(shown.data) == 3
    assert shown.metadata[METADATA_KEY] == {"model": "fsrcnn-x2"}
    assert layer.leave() == ""


def test_a_run_that_wrote_nothing_leaves_no_layer(viewer, layer):
    assert layer.leave() == "Nothing was written."
    assert not viewer.layers


def test_a_run_that_wrote_something_leaves_its_layer(viewer, layer, image):
    image.written = 1

    said = layer.leave()

    assert said.startswith(f"1 of 4 blocks are done and stay in {image.folder}")
    assert len(viewer.layers) == 1


def test_a_run_whose_folder_was_removed_does_not_say_that_its_blocks_stay(layer, image):
    image.written = 1
    image.folder.rmdir()

    assert layer.leave() == "1 of 4 blocks were done."


def test_a_layer_that_the_user_removed_stays_away(viewer, layer, image):
    viewer.layers.clear()
    image.written = 1

    layer.refresh()

    assert "1 of 4" in layer.leave()
    assert not viewer.layers


def test_a_run_that_ends_before_its_folder_exists_says_nothing(viewer):
    layer = GrowingLayer(viewer, lambda levels, record: None)

    layer.refresh()

    assert layer.leave() == ""
    assert layer.finish({}) == ""
