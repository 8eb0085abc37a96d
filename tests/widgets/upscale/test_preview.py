"""The preview in the form, beside a viewer without a window."""

import gc
import weakref

import numpy as np
import pytest
from fakes import Global, Nearest, finish
from forms import PATIENCE, Failing, Gated, camera_of, grid_of, resize_canvas

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import Settings
from napari_sr.widgets.common.layer_source import is_preview


@pytest.fixture
def cells(viewer, widget, random):
    """Return a layer, of which the canvas shows rows 50 to 150 and columns 100 to 300."""
    layer = viewer.add_image(random.integers(0, 255, (400, 500), np.uint8), name="cells")
    resize_canvas(viewer, 100, 200)
    look(viewer, 100, 200)
    return layer


def look(viewer, y, x, zoom=1):
    camera_of(viewer).center, camera_of(viewer).zoom = (0, y, x), zoom


def preview_of(viewer):
    return next((layer for layer in viewer.layers if is_preview(layer)), None)


@pytest.fixture
def shown(widget, qtbot):
    """Return a function that waits until the preview shows a part of the result of an array."""

    def wait(viewer, expected):
        def same():
            layer = preview_of(viewer)
            return (
                layer is not None
                and layer.data.shape == expected.shape
                and np.array_equal(layer.data, expected)
                and "Preview" in widget.form.about_preview.text()
                and "\u2026" not in widget.form.about_preview.text()
            )

        qtbot.waitUntil(same, timeout=PATIENCE)
        return preview_of(viewer)

    return wait


def result_of(network, pixels):
    return finish(upscale_array(pixels, network, Settings(device="cpu")))[1].pixels


def repeated(pixels):
    return pixels.repeat(2, -2).repeat(2, -1)


def test_the_visible_region_is_shown_in_its_place(viewer, widget, cells, shown):
    widget.form.preview.click()

    layer = shown(viewer, repeated(cells.data[50:151, 100:301]))

    np.testing.assert_allclose(layer.data_to_world((-0.5, -0.5)), (49.5, 99.5))
    assert layer.name == "preview of cells"
    assert widget.form.layers.layer() is cells
    assert widget.form.about_preview.text() == "Preview: these are the pixels of the result."


def test_it_follows_the_view_and_keeps_blocks(viewer, widget, loader, cells, shown):
    widget.form.preview.click()
    layer = shown(viewer, repeated(cells.data[50:151, 100:301]))
    loader.network.compute = None  # everything in view is known

    look(viewer, 60, 220)

    assert shown(viewer, repeated(cells.data[10:111, 120:321])) is layer


def test_it_follows_slices_scale_and_pixels(viewer, widget, loader, shown, random):
    stack = viewer.add_image(random.integers(0, 255, (3, 100, 120), np.uint8), name="stack")
    resize_canvas(viewer, 300, 300)
    look(viewer, 50, 60)
    viewer.dims.set_point(0, 1)
    widget.form.preview.click()
    shown(viewer, repeated(stack.data[1:2]))

    viewer.dims.set_point(0, 2)
    layer = shown(viewer, repeated(stack.data[2:]))
    assert layer.translate[0] == 2

    stack.data = 255 - stack.data
    shown(viewer, repeated(stack.data[2:]))

    loader.network = Nearest(scale=3)
    widget.form.model.scale.setCurrentIndex(1)
    widget.form.model.scale.activated.emit(1)
    shown(viewer, stack.data[2:].repeat(3, 1).repeat(3, 2))


def test_it_follows_the_size_of_the_canvas(viewer, widget, cells, shown, qtbot):
    if not hasattr(viewer, "canvas"):
        pytest.skip("napari tells of another size since 0.9; before, the next pan is followed")
    widget.form.preview.click()
    shown(viewer, repeated(cells.data[50:151, 100:301]))
    qtbot.waitUntil(lambda: not widget._preview._pause.isActive(), timeout=PATIENCE)

    resize_canvas(viewer, 120, 220)

    shown(viewer, repeated(cells.data[40:161, 90:311]))


@pytest.mark.parametrize("place", [(100, 200), (0, 0)], ids=["in view", "out of view"])
def test_it_follows_pixels_that_are_changed_in_place(viewer, widget, cells, shown, place):
    widget.form.preview.click()
    before = shown(viewer, repeated(cells.data[50:151, 100:301]))

    cells.data[place] = 255 - cells.data[place]
    cells.refresh()
    look(viewer, 60, 150)

    assert shown(viewer, repeated(cells.data[10:111, 50:251])) is before


def test_a_source_that_is_only_moved_is_not_computed_again(
    viewer, widget, loader, cells, shown, qtbot
):
    widget.form.preview.click()
    layer = shown(viewer, repeated(cells.data[50:151, 100:301]))
    loader.network.compute = None  # nothing can be computed

    cells.translate = (1, 2)
    cells.scale = (1.5, 1.5)
    cells.scale, cells.translate = (1, 1), (0, 0)
    qtbot.waitUntil(lambda: not widget._preview._pause.isActive(), timeout=PATIENCE)

    assert shown(viewer, repeated(cells.data[50:151, 100:301])) is layer


def test_it_follows_the_grid(viewer, widget, cells, shown):
    widget.form.preview.click()
    shown(viewer, repeated(cells.data[50:151, 100:301]))

    grid_of(viewer).enabled = True  # cells and preview side by side

    shown(viewer, repeated(cells.data[50:151, 150:251]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", (2, 3)),
        ("translate", (5, 6)),
        ("rotate", 30),
        ("shear", [0.3]),
        ("affine", [[1, 0.2, 3], [0, 1, 4], [0, 0, 1]]),
        ("units", "um"),
    ],
)
def test_it_stays_on_a_source_that_is_moved(viewer, widget, cells, shown, qtbot, name, value):
    widget.form.preview.click()
    shown(viewer, repeated(cells.data[50:151, 100:301]))
    qtbot.waitUntil(lambda: not widget._preview._pause.isActive(), timeout=PATIENCE)

    setattr(cells, name, value)

    def in_its_place():
        layer = preview_of(viewer)
        corners = [layer.data_to_world(place) for place in ((-0.5, -0.5), (1.5, -0.5), (-0.5, 1.5))]
        first, below, beside = (np.asarray(cells.world_to_data(each)) for each in corners)
        start = np.rint(2 * (first + 0.5)).astype(int)
        part = tuple(map(slice, start, start + layer.data.shape))
        return (
            np.allclose(below - first, (1, 0))
            and np.allclose(beside - first, (0, 1))
            and np.array_equal(layer.data, repeated(cells.data)[part])
            and layer.units == cells.units
        )

    qtbot.waitUntil(in_its_place, timeout=PATIENCE)


def test_what_is_computed_already_is_not_started_again(viewer, widget, loader, cells, shown, qtbot):
    loader.network = network = Gated(scale=2)
    widget.form.preview.click()
    qtbot.waitUntil(lambda: network.begun.acquire(blocking=False), timeout=PATIENCE)
    # its layer was inserted, so the form asked for the preview again
    qtbot.waitUntil(lambda: not widget._preview._pause.isActive(), timeout=PATIENCE)
    worker = widget._preview._worker

    assert not worker.abort_requested
    network.permits.release(1000)
    shown(viewer, repeated(cells.data[50:151, 100:301]))


@pytest.mark.parametrize("blending", ["additive", "minimum", "multiplicative"])
def test_it_hides_its_source(viewer, widget, cells, shown, blending):
    cells.blending = blending
    widget.form.preview.click()

    assert shown(viewer, repeated(cells.data[50:151, 100:301])).blending == "opaque"


def test_an_error_after_it_was_switched_off_is_not_told(viewer, widget, loader, cells, qtbot):
    loader.network = network = Gated(scale=2)
    widget.form.preview.click()
    qtbot.waitUntil(lambda: network.begun.acquire(blocking=False), timeout=PATIENCE)
    widget.form.preview.click()
    widget._preview._tell_error(RuntimeError("too late"))
    network.permits.release(1000)

    qtbot.waitUntil(lambda: widget._preview._worker is None, timeout=PATIENCE)
    assert widget.form.about_preview.text() == ""


def test_switched_off_it_leaves_nothing(viewer, widget, cells, shown):
    widget.form.preview.click()
    shown(viewer, repeated(cells.data[50:151, 100:301]))

    widget.form.preview.click()

    assert list(viewer.layers) == [cells]
    assert widget.form.about_preview.text() == ""


def test_removing_its_layer_switches_it_off(viewer, widget, cells, shown):
    widget.form.preview.click()
    shown(viewer, repeated(cells.data[50:151, 100:301]))

    viewer.layers.remove(preview_of(viewer))

    assert not widget.form.preview.isChecked()
    assert not widget._preview.is_on


def test_it_waits_for_a_run_and_goes_on_afterwards(viewer, widget, cells, shown, run):
    widget.form.preview.click()
    shown(viewer, repeated(cells.data[50:151, 100:301]))

    run(widget)
    look(viewer, 100, 210)

    shown(viewer, repeated(cells.data[50:151, 110:311]))
    assert [layer.name for layer in viewer.layers] == [
        "cells",
        "cells [FSRCNN x2]",
        "preview of cells",
    ]
    assert widget.form.status.text().startswith("Done: cells")


def test_switching_off_cancels_what_is_computed(viewer, widget, loader, cells, qtbot):
    loader.network = Gated(scale=2)
    widget.form.preview.click()
    qtbot.waitUntil(lambda: loader.network.begun.acquire(blocking=False), timeout=PATIENCE)

    widget.form.preview.click()
    loader.network.permits.release(1000)

    qtbot.waitUntil(lambda: widget._preview._worker is None, timeout=PATIENCE)
    assert list(viewer.layers) == [cells]


def test_closing_the_dock_ends_it(viewer, widget, cells, shown):
    before = len(viewer.layers.events.removed.callbacks)
    widget.form.preview.click()
    shown(viewer, repeated(cells.data[50:151, 100:301]))

    widget._leave()

    assert list(viewer.layers) == [cells]
    assert len(viewer.layers.events.removed.callbacks) < before


def test_where_nothing_can_be_shown_it_says_why(viewer, widget, cells, qtbot):
    look(viewer, 5000, 5000)
    widget.form.preview.click()

    words = widget.form.about_preview
    qtbot.waitUntil(lambda: "does not show cells" in words.text(), timeout=PATIENCE)

    widget.form.tile.setValue(0)
    viewer.layers.remove(cells)
    qtbot.waitUntil(lambda: "correct the framed field" in words.text(), timeout=PATIENCE)
    assert preview_of(viewer) is None


def test_a_source_that_is_removed_is_freed(viewer, widget, random, qtbot, run):
    layer = viewer.add_image(random.integers(0, 255, (40, 50), np.uint8), name="cells")
    gone = weakref.ref(layer)
    widget.form.preview.click()
    words = widget.form.about_preview
    qtbot.waitUntil(lambda: "these are the pixels" in words.text(), timeout=PATIENCE)
    run(widget)

    for layer in [each for each in viewer.layers if not is_preview(each)]:
        viewer.layers.remove(layer)
    del layer
    qtbot.waitUntil(lambda: "correct the framed field" in words.text(), timeout=PATIENCE)
    gc.collect()

    assert widget.form.preview.isChecked()
    assert gone() is None


def test_errors_are_told_in_words(viewer, widget, loader, cells, qtbot):
    loader.network = Failing(RuntimeError("the network broke"))
    widget.form.preview.click()

    words = widget.form.about_preview
    qtbot.waitUntil(lambda: "the network broke" in words.text(), timeout=PATIENCE)
    assert words.text().startswith("No preview: ")


@pytest.fixture
def told(widget):
    """Return the sentences of the preview."""
    sentences = []
    widget._preview.told.connect(sentences.append)
    return sentences


DIFFERS = "Preview: the network uses the whole plane, so the preview differs slightly"
EXACT = "Preview: these are the pixels of the result."


def test_a_network_of_the_whole_plane_becomes_exact(
    viewer, widget, loader, cells, shown, told, qtbot
):
    loader.network = Global()
    expected = result_of(loader.network, cells.data)
    widget.form.preview.click()

    qtbot.waitUntil(lambda: widget.form.about_preview.text() == EXACT, timeout=PATIENCE)

    shown(viewer, expected[100:302, 200:602])
    assert [
        one for one in told if one.startswith(f"{DIFFERS} until all of the plane is computed (")
    ]


def test_a_known_plane_is_not_computed_again_as_one_pans(
    viewer, widget, loader, cells, shown, told, qtbot
):
    loader.network = network = Global()
    expected = result_of(network, cells.data)
    compute, tiles = network.compute, []
    network.compute = lambda image: tiles.append(image.device.type) or compute(image)
    widget.form.preview.click()
    qtbot.waitUntil(lambda: widget.form.about_preview.text() == EXACT, timeout=PATIENCE)
    computed = tiles.count("cpu")
    told.clear()

    look(viewer, 60, 220)

    shown(viewer, expected[20:222, 240:642])
    assert told == ["Preview …", EXACT]
    assert tiles.count("cpu") == computed > 1


def test_another_slice_is_another_plane(viewer, widget, loader, shown, random):
    stack = viewer.add_image(random.integers(0, 255, (2, 300, 320), np.uint8), name="stack")
    resize_canvas(viewer, 100, 100)
    look(viewer, 100, 100)
    viewer.dims.set_point(0, 0)
    loader.network = Global()
    expected = result_of(loader.network, stack.data)
    widget.form.preview.click()
    shown(viewer, expected[:1, 100:302, 100:302])

    viewer.dims.set_point(0, 1)

    shown(viewer, expected[1:, 100:302, 100:302])


def test_a_plane_that_is_too_large_stays_inexact(
    viewer, widget, loader, cells, told, monkeypatch, qtbot
):
    monkeypatch.setattr("napari_sr.widgets.upscale.preview.KEPT", 4 * cells.data.size - 1)
    loader.network = Global()
    widget.form.preview.click()

    qtbot.waitUntil(lambda: f"{DIFFERS}." in told, timeout=PATIENCE)
    assert not widget._preview._plane.blocks


def test_of_a_wide_view_only_the_centre_is_said_to_be_shown(
    viewer, widget, cells, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_sr.widgets.upscale.preview_view.LARGEST", 100 * 100)
    widget.form.preview.click()

    words = widget.form.about_preview
    qtbot.waitUntil(lambda: "in the centre of the view" in words.text(), timeout=PATIENCE)


def test_the_preview_after_a_run_shows_the_same_layer_as_before(viewer, widget, cells, run, qtbot):
    run(widget)
    assert viewer.layers.selection.active is not cells  # it is the result

    widget.form.preview.click()
    qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=PATIENCE)

    assert widget.form.layers.layer() is cells
    assert preview_of(viewer).name == "preview of cells"
