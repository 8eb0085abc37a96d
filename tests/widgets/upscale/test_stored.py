from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.engine.planning.settings import Settings
from napari_sr.files.lazy_image import Axis
from napari_sr.runs.model import ModelReference
from napari_sr.runs.model_list import ChosenModel, known_models
from napari_sr.runs.run import Request
from napari_sr.widgets.common.layer_source import source_of
from napari_sr.widgets.upscale.queue import PendingRun
from napari_sr.widgets.upscale.result import result_arguments
from napari_sr.widgets.upscale.stored import (
    folder_request,
    lost_in_folder,
    problem_of_layer,
    stored,
)


def kept(layer):
    choice = ChosenModel(known_models()[0], 2)
    return stored(layer, result_arguments(layer, source_of(layer), choice))


def test_an_axis_that_ome_zarr_lacks_is_a_problem():
    layer = Image(np.zeros((2, 4, 5)), name="scan", axis_labels=("angle", "y", "x"))

    assert "the layer scan has angle before Y and X" in problem_of_layer(layer)
    assert problem_of_layer(Image(np.zeros((2, 4, 5)))) is None


def test_a_mirrored_axis_is_a_problem():
    layer = Image(np.zeros((4, 5)), name="scan", scale=(-1, 1))

    assert "above 0, but the layer scan has -1, 1" in problem_of_layer(layer)


def test_places_are_those_of_the_results_layer():
    layer = Image(
        np.zeros((2, 8, 9), np.uint8),
        scale=(3, 0.5, 0.25),
        translate=(1, 2, 3),
        units=("s", "um", "pixel"),
        axis_labels=("t", "y", "x"),
    )

    found = kept(layer)

    assert found.axes == "TYX"
    assert found.places["T"] == Axis(3.0, 1.0, "second")
    assert found.places["Y"] == Axis(0.25, 2 - 0.125, "micrometer")
    assert found.places["X"] == Axis(0.125, 3 - 0.0625, "")


def test_limits_and_colour_are_stored_for_each_channel():
    layer = Image(
        np.zeros((2, 4, 5), np.uint16),
        axis_labels=("c", "y", "x"),
        colormap="green",
        contrast_limits=(10, 900),
    )

    channels = kept(layer).channels

    assert len(channels) == 2
    assert channels[0]["color"] == "00FF00"
    assert (channels[1]["window"]["start"], channels[1]["window"]["end"]) == (10, 900)


@pytest.mark.parametrize("colormap", ["viridis", "gray"])
def test_other_colormaps_are_stored_as_white(colormap):
    assert kept(Image(np.zeros((4, 5)), colormap=colormap)).channels[0]["color"] == "FFFFFF"


def test_colours_need_no_channels():
    assert kept(Image(np.zeros((4, 5, 3), np.uint8), rgb=True)).channels == ()


def test_what_a_folder_cannot_keep_is_said():
    turned = Image(np.zeros((4, 5)), rotate=20, shear=[0.3])

    assert lost_in_folder(Image(np.zeros((4, 5)), scale=(2, 2))) == ""
    assert "cannot store the layer's rotation and shear" in lost_in_folder(turned)


def test_a_single_plane_is_looked_at_where_it_is():
    layer = Image(np.zeros((4, 5, 6), np.uint8))
    request = Request(source_of(layer, (3,)), ModelReference("fsrcnn-x2"), Settings(), "ZYX")

    arguments = result_arguments(layer, request.image, ChosenModel(known_models()[0], 2))
    pending = PendingRun(layer, request, {**arguments, "name": "cells"}, {})

    task = folder_request(pending, Path("a.zarr"), (3.0, 1.0, 2.0))

    assert task.near == (0.0, 1.0, 2.0)
    assert (task.axes, task.name, task.folder) == ("ZYX", "cells", Path("a.zarr"))
