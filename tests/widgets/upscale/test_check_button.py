"""The button that checks a result, beside a viewer without a window."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from forms import PATIENCE
from scipy.ndimage import gaussian_filter
from superqt.utils import WorkerBase

from napari_sr.runs.record import KEY
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.compare.check_map import Checked, add_map
from napari_sr.widgets.upscale.check_button import CHECK, CheckButton


@pytest.fixture
def pair(viewer, random):
    """Return two layers: a result and its source."""
    pixels = gaussian_filter(random.random((40, 50)), 2).astype(np.float32)
    source = viewer.add_image(pixels, name="source")
    return source, viewer.add_image(pixels.repeat(2, 0).repeat(2, 1), name="result")


@pytest.fixture
def button(viewer, pair, qtbot):
    """Return a button, and what it told."""
    button = CheckButton(viewer, add_map)
    qtbot.addWidget(button)
    button.said = []
    button.told.connect(button.said.append)
    yield button
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


def finish(button, qtbot):
    qtbot.waitUntil(lambda: not button.is_running, timeout=PATIENCE)


def test_it_is_hidden_until_a_result_is_offered(button, pair):
    assert button.isHidden()

    button.offer(*pair)

    assert not button.isHidden()
    assert button.text() == CHECK
    button.clear()
    assert button.isHidden()


def test_it_adds_the_map_and_tells_the_figures(button, viewer, pair, qtbot):
    button.offer(*pair)
    button.click()
    assert button.text().startswith("Cancel the check")
    finish(button, qtbot)

    assert viewer.layers[-1].name == "result minus source, shrunk, in values"
    assert viewer.layers[-1].data.shape == (40, 50)
    assert button.said[0].startswith("The shrunk result differs from the source by")
    assert button.text() == CHECK


@pytest.mark.parametrize("how", ["press", "clear", "offer"])
def test_it_cancels_a_check_and_adds_nothing(button, viewer, pair, qtbot, monkeypatch, how):
    go_on, begun = threading.Event(), threading.Event()
    original = Checked.steps

    def steps(self):
        begun.set()
        assert go_on.wait(PATIENCE / 1000)
        yield from original(self)

    monkeypatch.setattr(Checked, "steps", steps)
    button.offer(*pair)
    button.click()
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)

    acts = {"press": button.click, "clear": button.clear, "offer": lambda: button.offer(*pair)}
    acts[how]()
    go_on.set()
    finish(button, qtbot)

    assert list(viewer.layers) == list(pair)
    assert button.said == []
    assert button.text() == CHECK


def test_without_the_source_it_is_disabled_and_says_why(button, viewer, pair):
    button.offer(*pair)
    usual = button.toolTip()
    viewer.layers.remove(pair[0])
    button.follow_layers()

    assert not button.isEnabled()
    assert button.toolTip() == "The source source was removed: there is nothing to check against."

    viewer.layers.append(pair[0])
    button.follow_layers()
    assert button.isEnabled()
    assert button.toolTip() == usual


def test_without_the_result_it_is_hidden(button, viewer, pair):
    button.offer(*pair)
    viewer.layers.remove(pair[1])
    button.follow_layers()

    assert button.isHidden()


@pytest.mark.parametrize("record", [{"plane": (9,)}, {"region": ((0, 20), (0, 20)), "scale": 2}])
def test_what_does_not_fit_is_told(button, pair, qtbot, record):
    pair[1].metadata[KEY] = record
    button.offer(*pair)

    button.click()
    finish(button, qtbot)

    assert "the result shows the part" in button.said[0] or "needs the source's" in button.said[0]


def test_after_a_run_the_form_offers_it_and_tells_the_figures(viewer, widget, camera, run, qtbot):
    run(widget)

    result = viewer.layers[1]
    figures = result.metadata[METADATA_KEY]["consistency"]
    assert figures["pixels"] == figures["of"] == camera.data.size
    assert widget.form.status.text().startswith("Done: camera [FSRCNN x2]; the shrunk result ")
    assert f"by {figures['rms']:.3g} (RMS)" in widget.form.status.text()
    assert not widget.check_map.isHidden()


def test_the_result_of_a_region_is_checked_against_its_part(viewer, widget, random, run, qtbot):
    pixels = random.integers(0, 255, (2, 60, 70), np.uint8)
    layer = viewer.add_image(pixels, name="stack", scale=(2, 0.5, 0.5))
    shape = np.array([[1, 10, 5], [1, 10, 44], [1, 49, 44], [1, 49, 5]])
    viewer.add_shapes([shape], shape_type="rectangle", scale=(2, 0.5, 0.5), name="part")
    viewer.layers.selection = {layer}
    area = widget.form.region.area
    area.setCurrentIndex(next(k for k in range(area.count()) if "part" in area.itemText(k)))
    area.activated.emit(area.currentIndex())
    run(widget)

    result = next(one for one in viewer.layers if "part [" in one.name)
    record = result.metadata[METADATA_KEY]
    (top, bottom), (left, right) = record["region"]
    assert record["consistency"]["of"] % ((bottom - top) * (right - left)) == 0
    widget.check_map.click()
    finish(widget.check_map, qtbot)

    added = viewer.layers[-1]
    assert widget.form.layers.layer() is layer  # the next run uses the source, not the map
    assert added.name.endswith("shrunk, in values") or added.name.endswith("in units of noise")
    assert added.data.shape[-2:] == (bottom - top, right - left)
    np.testing.assert_allclose(
        added.data_to_world((0, 0, 0))[1:], layer.data_to_world((0, top, left))[1:]
    )


def test_it_works_through_the_proxy_that_napari_gives(viewer, pair, qtbot):
    """Layers of a proxy are proxies, which nothing else keeps."""
    from napari.utils._proxies import PublicOnlyProxy

    proxy = PublicOnlyProxy(viewer)
    button = CheckButton(proxy, add_map)
    qtbot.addWidget(button)

    button.offer(proxy.layers["source"], proxy.layers["result"])
    button.click()
    finish(button, qtbot)

    assert viewer.layers[-1].name.startswith("result minus source")
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)
