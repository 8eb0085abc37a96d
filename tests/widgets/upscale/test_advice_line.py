"""The line of advice in the form: it follows layer, model and scale, and its button chooses."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from forms import PATIENCE
from safetensors.numpy import save_file
from scipy.ndimage import gaussian_filter, zoom

from napari_sr.advice.forecast import Gains
from napari_sr.widgets.upscale import advice_line
from napari_sr.widgets.upscale.region_chooser import CURRENT
from napari_sr.zoo import trained


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(advice_line, "PAUSE", 0)
    monkeypatch.setattr(advice_line, "AGAIN", 0)


@pytest.fixture
def noisy(viewer, random):
    signal = gaussian_filter(zoom(random.random((40, 40)), 5, order=0), 2)
    return viewer.add_image(random.poisson(30 * signal).astype(np.uint16), name="noisy")


def said(widget, qtbot):
    """Wait for the advice; return it."""
    label = widget.form.advice.label
    qtbot.waitUntil(lambda: label.text() not in ("", advice_line.COMPARING), timeout=PATIENCE)
    return widget.form.advice.label.text()


def verdict(widget, qtbot):
    """Wait for the advice; return its first line."""
    return said(widget, qtbot).partition("\n")[0]


def suits(widget, qtbot):
    """Wait for the advice; return whether the chosen model suits, or may suit."""
    return verdict(widget, qtbot).startswith(("Suits this image", "May suit"))


def test_a_model_that_does_not_suit_is_told_and_replaced(noisy, widget, qtbot):
    line = widget.form.advice
    assert widget.form.model.models.currentData().name == "fsrcnn"

    assert verdict(widget, qtbot) == "Unsuitable: noise. Advised: Micrograph x2"
    assert not line.use.isHidden()
    assert "mistakes noise for detail" in line.label.toolTip()
    assert line.label.toolTip().startswith("Advised: Micrograph x2. The image has noise of")
    line.use.click()

    assert widget.form.model.models.currentData().name == "micrograph"
    assert line.label.text() == "Suits this image."
    assert line.label.toolTip().startswith("The image has noise of")
    assert line.use.isHidden()


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("fsrcnn", "May suit; about 4 dB better: Micrograph x2"),
        ("micrograph", "Suits this image."),
        ("bicubic", "Advised: Micrograph x2"),
    ],
)
def test_a_much_better_model_is_named_beside_one_that_may_suit(noisy, widget, qtbot, model, told):
    line = widget.form.advice
    said(widget, qtbot)
    widget.form.model.choose(model, 2)

    line._take(replace(line._advice, gains=Gains(1.0, 0.2, 4.0), model="micrograph-x2"))

    assert line.label.text().partition("\n")[0] == told
    assert line.use.isHidden() == (model == "micrograph")


def test_a_model_that_is_never_tried_is_said_not_to_be_judged(noisy, widget, qtbot):
    said(widget, qtbot)
    widget.form.model.choose("em", 2)

    told = "Not judged by the advice. Advised of the others: Micrograph x2"
    qtbot.waitUntil(lambda: verdict(widget, qtbot) == told, timeout=PATIENCE)
    assert not widget.form.advice.use.isHidden()


def test_another_scale_or_layer_gets_other_advice(noisy, viewer, widget, qtbot, random):
    said(widget, qtbot)

    widget.form.model.choose("fsrcnn", 4)
    assert verdict(widget, qtbot) == "Unsuitable: noise. Advised: Micrograph x4"

    clean = gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)
    viewer.layers.selection = {viewer.add_image(clean.astype(np.float32))}
    assert suits(widget, qtbot)

    widget.form.model.choose("bicubic", 2)
    qtbot.waitUntil(lambda: said(widget, qtbot).startswith("Advised: "), timeout=PATIENCE)


def test_replaced_pixels_get_other_advice_even_at_the_address_of_the_old_ones(
    noisy, widget, qtbot, random, monkeypatch
):
    monkeypatch.setattr(advice_line, "id", lambda pixels: 1, raising=False)
    widget._refresh()
    said(widget, qtbot)

    clean = gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)
    noisy.data = (60000 * clean.clip(0, 1)).astype(np.uint16)

    qtbot.waitUntil(lambda: suits(widget, qtbot), timeout=PATIENCE)


def test_pixels_changed_in_place_get_other_advice(noisy, widget, qtbot):
    assert said(widget, qtbot).endswith("Advised: Micrograph x2")
    clean = gaussian_filter(zoom(np.random.default_rng(1).random((40, 40)), 5, order=0), 0.7)

    noisy.data[:] = (60000 * clean.clip(0, 1)).astype(np.uint16)
    noisy.refresh()

    assert said(widget, qtbot).endswith("Advised: Micrograph x2")  # until the new advice comes
    qtbot.waitUntil(lambda: suits(widget, qtbot), timeout=PATIENCE)


def test_pixels_that_change_all_the_time_get_advice_all_the_same(noisy, widget, qtbot, monkeypatch):
    said(widget, qtbot)
    clean = gaussian_filter(zoom(np.random.default_rng(1).random((40, 40)), 5, order=0), 0.7)
    noisy.data[:] = (60000 * clean.clip(0, 1)).astype(np.uint16)

    def drawn_again():
        noisy.refresh()
        return suits(widget, qtbot)

    qtbot.waitUntil(drawn_again, timeout=PATIENCE)


def test_the_slice_that_is_to_be_upscaled_gets_advice(noisy, viewer, widget, qtbot):
    clean = gaussian_filter(zoom(np.random.default_rng(1).random((40, 40)), 5, order=0), 0.7)
    pair = np.stack([(60 * clean.clip(0, 1)).astype(np.uint16) * 1000, noisy.data])
    viewer.layers.selection = {viewer.add_image(pair, name="pair")}
    slices = widget.form.region.slices
    slices.setCurrentText(CURRENT)
    slices.activated.emit(slices.currentIndex())

    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: suits(widget, qtbot), timeout=PATIENCE)
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: said(widget, qtbot).startswith("Unsuitable: noise"), timeout=PATIENCE)


def test_a_faint_saturated_image_is_told(viewer, widget, qtbot, random):
    clean = gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)
    pixels = (100 + 400 * clean.clip(0, 0.8)).astype(np.uint16)
    layer = viewer.add_image(pixels, name="faint", contrast_limits=(0, 65535))

    text = said(widget, qtbot)

    assert "\nNote: uses values " in text
    assert "saturated" in text
    assert "percentiles" in widget.form.advice.label.toolTip()
    assert "percentiles" in widget.form.advice.accessibleDescription()
    layer.contrast_limits = (100, 420)
    qtbot.waitUntil(lambda: "uses values" not in said(widget, qtbot), timeout=PATIENCE)


def test_colours_are_told_to_a_model_for_grey(viewer, widget, qtbot, random):
    widget.form.model.choose("microscope")
    signal = gaussian_filter(zoom(random.random((40, 40)), 5, order=0), 2)
    grey = random.poisson(30 * signal).clip(0, 255).astype(np.uint8)
    viewer.add_image(np.repeat(grey[..., None], 3, axis=2), name="rgb")

    assert said(widget, qtbot).startswith(
        "Suits the brightness of this image.\nNote: colours are only interpolated"
    )
    assert "Split RGB" in widget.form.advice.label.toolTip()


def test_an_own_network_is_compared_with_its_card(noisy, widget, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path))
    here = {"base_model": "?", "images": [], "degradation": "?", "psnr": 3.0, "bicubic": 2.0}
    for name, kind in (("for noise", "microscope"), ("of my own", "bicubic")):
        recipe = {"data": {"degradation": {"kind": kind}}}
        card = {"network": "fsrcnn", "scale": 2, "here": here, "recipe": recipe}
        weights = {"weight": np.zeros(3, np.float32)}
        save_file(weights, tmp_path / f"{name}.safetensors", {"card": json.dumps(card)})
    own = "Suits images like its training images."

    widget.form.model.choose(str(tmp_path / "for noise.safetensors"))
    assert said(widget, qtbot) == own
    widget.form.model.choose(str(tmp_path / "of my own.safetensors"))
    assert said(widget, qtbot) == own

    clean = gaussian_filter(zoom(np.random.default_rng(1).random((40, 40)), 5, order=0), 0.7)
    noisy.data = (60000 * clean.clip(0, 1)).astype(np.uint16)
    qtbot.waitUntil(lambda: verdict(widget, qtbot) == own, timeout=PATIENCE)
    widget.form.model.choose(str(tmp_path / "for noise.safetensors"))
    assert verdict(widget, qtbot).startswith("Unsuitable: detail above the noise. Advised: ")


def test_the_list_is_marked_with_the_advice_and_cleared_with_it(noisy, viewer, widget, qtbot):
    marked = []
    widget.form.advice.changed.connect(marked.append)
    said(widget, qtbot)
    widget.form.model.models.opening.emit()

    assert marked[-1].model == "micrograph-x2"
    assert widget.form.model.models.itemData(1).name == "micrograph"
    viewer.layers.clear()
    assert marked[-1] is None
    widget.form.model.models.opening.emit()
    assert widget.form.model.models.itemData(1).name == "fsrcnn"


def test_slow_advice_is_announced_and_keeps_the_place(noisy, widget, qtbot, monkeypatch):
    go_on, label = threading.Event(), widget.form.advice.label
    height, original = label.height(), advice_line._advised

    def slow(*arguments):
        assert go_on.wait(PATIENCE / 1000)
        return original(*arguments)

    said(widget, qtbot)
    monkeypatch.setattr(advice_line, "_advised", slow)
    widget.form.advice.forget()
    widget.check()
    qtbot.waitUntil(lambda: label.text() == advice_line.COMPARING, timeout=PATIENCE)
    assert label.height() == height

    widget.form.tile.setValue(64)  # other fields keep the line
    assert label.text() == advice_line.COMPARING
    go_on.set()
    assert said(widget, qtbot)


def test_an_image_that_is_too_small_gets_no_advice(viewer, widget, qtbot):
    viewer.add_image(np.ones((10, 10), np.uint8))
    taken = []
    widget.form.advice._latest.answered.connect(taken.append)

    qtbot.waitUntil(lambda: bool(taken), timeout=PATIENCE)

    assert isinstance(taken[-1], ValueError)
    assert widget.form.advice.label.text() == ""
    assert widget.form.advice.use.isHidden()


def test_closing_the_form_drops_the_advice(noisy, widget, qtbot):
    said(widget, qtbot)

    widget._stop_listening()

    assert widget.form.advice._advice is None
    assert widget.form.advice._asked is None


def test_the_size_of_pixels_is_compared_with_the_training(noisy, widget, qtbot):
    widget.form.model.choose("microscope", 2)
    assert verdict(widget, qtbot) == "Suits this image."
    line = widget.form.advice

    noisy.units = "nm"
    noisy.scale = (65, 65)

    qtbot.waitUntil(lambda: "other pixel size" in line.label.text(), timeout=PATIENCE)
    assert "trained on pixels of 0.15 to 0.3 µm, and the image has pixels of 0.065" in (
        line.label.toolTip()
    )
