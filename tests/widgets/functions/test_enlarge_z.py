"""The form *Enlarge Z* beside a viewer without a window."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from forms import PATIENCE
from superqt.utils import WorkerBase

from napari_sr.engine.image.axial import enlarge_z
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.widgets.functions.enlarge_z import EnlargeZWidget, enlarge_z_of


@pytest.fixture
def stack(viewer, random):
    """Add a turned stack whose planes are three times as far apart as its pixels."""
    pixels = random.integers(0, 200, (5, 12, 14)).astype(np.uint8)
    place = {"scale": (0.6, 0.2, 0.2), "rotate": (10, 20, 5), "translate": (7, 3, 4)}
    return viewer.add_image(pixels, name="cells", colormap="green", **place)


@pytest.fixture
def make(viewer, qtbot):
    def made():
        widget = EnlargeZWidget(viewer)
        qtbot.addWidget(widget)
        return widget

    yield made
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


def test_the_result_covers_its_source_and_has_cubic_voxels(viewer, stack, make, qtbot):
    widget = make()
    assert widget.gui.enlargement.value == pytest.approx(3)
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    added = viewer.layers[-1]
    assert (added.name, added.colormap.name) == ("cells [Z x3]", "green")
    np.testing.assert_array_equal(
        added.data, enlarge_z(stack.data, 0, Fraction(3), np.dtype("uint8"))
    )
    np.testing.assert_allclose(added.scale, (0.2, 0.2, 0.2))
    # the middle of three planes is where the source's plane is
    for plane, row, column in ((0, 0, 0), (4, 11, 13), (2, 5, 6)):
        np.testing.assert_allclose(
            added.data_to_world((3 * plane + 1, row, column)),
            stack.data_to_world((plane, row, column)),
        )
    # both end half a plane beyond their last planes
    np.testing.assert_allclose(
        added.data_to_world((14.5, 0, 0)), stack.data_to_world((4.5, 0, 0)), atol=1e-9
    )


def test_a_stack_is_chosen_even_if_it_is_not_the_first_layer(viewer, random, make):
    viewer.add_image(random.random((12, 14)), name="plane")
    for name in ("one", "two"):
        viewer.add_image(random.random((4, 12, 14)), name=name)

    viewer.layers.selection.active = viewer.layers["plane"]
    assert make().gui.layer.value.name == "one"
    viewer.layers.selection.active = viewer.layers["two"]
    assert make().gui.layer.value.name == "two"


def test_voxels_become_cubes_for_any_ratio_and_fine_planes_are_left(viewer, make):
    """The proposal had two decimals, and stayed that of the layer before for finer planes."""
    pixels = np.zeros((3, 8, 9), np.uint8)
    coarse = viewer.add_image(pixels, name="coarse", scale=(0.27777, 0.1, 0.1))
    fine = viewer.add_image(pixels, name="fine", scale=(0.1, 0.2, 0.2))
    widget = make()

    widget.gui.layer.value = coarse
    assert widget.gui.enlargement.value == pytest.approx(2.7777)
    widget.gui.layer.value = fine
    assert widget.gui.enlargement.value == 1


def test_a_result_that_does_not_fit_is_refused_before_it_is_read(viewer):
    broad = np.broadcast_to(np.uint8(0), (640, 200_000, 200_000))
    layer = viewer.add_image(broad, axis_labels=("z", "y", "x"), contrast_limits=(0, 1))

    with pytest.raises(OutOfMemoryError, match=r"but only \S+ GB are free"):
        enlarge_z_of(layer, 64.0)


def test_the_axis_named_z_is_enlarged(viewer, random):
    pixels = random.random((4, 3, 8, 9)).astype(np.float32)
    layer = viewer.add_image(pixels, axis_labels=("z", "t", "y", "x"))

    assert enlarge_z_of(layer, 2.5).shape == (10, 3, 8, 9)


@pytest.mark.parametrize(
    ("pixels", "labels", "words"),
    [
        (np.zeros((8, 9)), ("y", "x"), "has no axis Z; its axes are Y, X."),
        (np.zeros((3, 8, 9)), ("t", "y", "x"), "has no axis Z; its axes are T, Y, X."),
    ],
)
def test_a_layer_without_z_is_refused(viewer, make, pixels, labels, words):
    viewer.add_image(pixels, axis_labels=labels, name="flat")
    widget = make()

    assert not widget.form.run.isEnabled()
    assert words in widget._problems(dict(widget.gui.asdict()))["layer"]


def test_a_network_enlarges_z_and_leaves_the_other_axes(viewer, stack, make, qtbot):
    widget = make()
    assert not widget.gui.model.enabled
    widget.gui.by.value = "network"
    assert widget.gui.model.enabled
    widget.gui.model.value = "fsrcnn"
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.form.run.click()

    added = viewer.layers[-1]
    assert (added.name, added.data.shape, added.data.dtype) == (
        "cells [Z x3, fsrcnn]", (15, 12, 14), np.uint8,
    )  # fmt: skip
    np.testing.assert_array_equal(added.data, enlarge_z_of(stack, 3.0, "network"))
    cubic = enlarge_z_of(stack, 3.0)
    assert np.abs(added.data.astype(int) - cubic).max() > 1
    assert added.data.mean() == pytest.approx(stack.data.mean(), rel=0.03)


def test_a_network_is_refused_where_z_is_not_coarse(viewer, make):
    viewer.add_image(np.zeros((3, 8, 9), np.uint8), scale=(0.1, 0.1, 0.1))
    widget = make()
    assert widget.form.run.isEnabled()

    widget.gui.by.value = "network"

    assert not widget.form.run.isEnabled()
    assert "planes are 1 pixels apart" in widget._problems(dict(widget.gui.asdict()))["by"]
