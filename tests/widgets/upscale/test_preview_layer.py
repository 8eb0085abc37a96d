from fractions import Fraction

import numpy as np
import pytest

from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.factor import bounds
from napari_sr.widgets.upscale import preview_layer
from napari_sr.widgets.upscale.preview_layer import PreviewLayer

REGION = Region(slice(4, 8), slice(2, 12))


@pytest.fixture
def source(viewer):
    viewer.add_image(np.zeros((20, 30), np.uint8), name="below")
    layer = viewer.add_image(np.zeros((20, 30), np.uint8), name="cells")
    viewer.add_image(np.zeros((20, 30), np.uint8), name="above")
    return layer


@pytest.fixture
def shown(viewer, source):
    shown = PreviewLayer(viewer)
    show(shown, source)
    return shown


def show(shown, source, region=REGION, translate=(4, 2), factor=2):
    rows, columns = bounds(region.rows, factor), bounds(region.columns, factor)
    pixels = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    arguments = {"name": "preview", "scale": (0.5, 0.5), "translate": translate}
    shown.show(source, region, factor, pixels, arguments)


def test_it_lies_above_its_source_and_selects_nothing(viewer, source, shown):
    assert [layer.name for layer in viewer.layers] == ["below", "cells", "preview", "above"]
    assert viewer.layers.selection.active.name == "above"
    assert shown.is_it(viewer.layers["preview"])
    assert not shown.is_it(source)
    assert not PreviewLayer(viewer).is_it(None)


@pytest.mark.parametrize("factor", [Fraction(3, 2), Fraction(13, 12)])
def test_a_part_of_any_factor_is_copied_to_its_pixels(viewer, source, factor):
    layer, region, core = PreviewLayer(viewer), REGION, Region(slice(5, 20), slice(0, 9))
    whole = np.arange(1000).reshape(25, 40)
    show(layer, source, region, factor=factor)

    layer.paste(core, whole[bounds(core.rows, factor), bounds(core.columns, factor)])

    places = bounds(region.rows, factor), bounds(region.columns, factor)
    expected = whole[places].astype(np.uint8)
    expected[: bounds(slice(4, 5), factor).stop - places[0].start] = 0
    expected[:, bounds(slice(0, 9), factor).stop - places[1].start :] = 0
    np.testing.assert_array_equal(viewer.layers["preview"].data, expected)


def test_several_selected_layers_stay_selected(viewer, source):
    viewer.layers.selection = {source, viewer.layers["below"]}

    show(PreviewLayer(viewer), source)

    assert {layer.name for layer in viewer.layers.selection} == {"below", "cells"}


def test_another_region_takes_its_place(viewer, source, shown):
    layer = viewer.layers["preview"]

    show(shown, source, Region(slice(0, 6), slice(0, 3)), (0, 0))

    assert viewer.layers["preview"] is layer
    assert layer.data.shape == (12, 6)
    np.testing.assert_array_equal(layer.translate, (0, 0))


def test_it_is_kept_for_its_source_but_not_for_another_or_one_with_more_axes(viewer, source, shown):
    first, below = viewer.layers["preview"], viewer.layers["below"]

    shown.keep_for(source)
    assert first in viewer.layers

    shown.keep_for(below)
    assert first not in viewer.layers
    shown.keep_for(below)

    show(shown, below)
    below.data = np.zeros((4, 20, 30), np.uint8)
    shown.keep_for(below)
    assert "preview" not in viewer.layers


def test_only_the_common_part_of_a_block_is_pasted(viewer, shown):
    block = Region(slice(6, 10), slice(0, 4))
    values = np.arange(64, dtype=np.uint8).reshape(8, 8) + 1

    shown.paste(block, values)
    shown.paste(Region(slice(12, 14), slice(0, 4)), values)

    expected = np.zeros((8, 20), np.uint8)
    expected[4:, :4] = values[:4, 4:]
    np.testing.assert_array_equal(viewer.layers["preview"].data, expected)


def test_refreshes_are_some_time_apart_unless_at_once(shown, viewer, monkeypatch, replace_time):
    told, now = [], [100.0]
    replace_time(preview_layer, monotonic=lambda: now[0])
    monkeypatch.setattr(viewer.layers["preview"], "refresh", lambda **_: told.append(now[0]))

    for moment in (100.0, 100.05, 100.2):
        now[0] = moment
        shown.refresh()
    shown.refresh(at_once=True)

    assert told == [100.0, 100.2, 100.2]


def test_it_looks_like_its_source_until_it_is_removed(viewer, source, shown):
    layer = viewer.layers["preview"]

    source.contrast_limits = (3, 99)
    shown.remove()
    source.contrast_limits = (5, 50)

    assert list(layer.contrast_limits) == [3, 99]
    assert layer not in viewer.layers
    shown.remove()
    shown.paste(REGION, np.zeros((8, 20)))
    shown.refresh()
