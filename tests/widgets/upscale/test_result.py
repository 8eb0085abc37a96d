from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.factor import boundary
from napari_sr.runs.model_list import ChosenModel, ListedModel
from napari_sr.widgets.common.layer_source import METADATA_KEY, source_of
from napari_sr.widgets.upscale.result import result_arguments, result_name, with_record


def choice_of(scale):
    model = ListedModel("near", "Nearest", "", "", (scale,))
    return ChosenModel(model, scale)


def enlarged(layer, scale, plane=None):
    """Return the layer that shows a layer's pixels repeated `scale` times."""
    source = source_of(layer, plane)
    arguments = result_arguments(layer, source, choice_of(scale))
    leading = len(source.origin) - 2
    pixels = np.asarray(source.data)
    if plane is not None:
        pixels = pixels[tuple(slice(at, at + 1) for at in plane)]
    pixels = pixels.repeat(scale, leading).repeat(scale, leading + 1)
    return Image(pixels, **arguments)


def zeros(*shape):
    return np.zeros(shape, np.uint8)


ROTATED = {"scale": (2, 3), "translate": (5, -7), "rotate": 30}
AFFINE = np.array([[1.1, 0.2, 4], [-0.3, 0.9, -2], [0, 0, 1]])
AFFINE_3D = np.array([[1, 0.1, 0, 2], [0, 1.1, 0.2, 4], [0.2, -0.3, 0.9, -2], [0, 0, 0, 1]])
LAYERS = {
    "plain": lambda: Image(zeros(6, 8)),
    "scaled": lambda: Image(zeros(6, 8), scale=(0.1, 0.25), translate=(3, 4)),
    "negative": lambda: Image(zeros(6, 8), scale=(-2, 3), translate=(3, 4)),
    "both-negative": lambda: Image(zeros(6, 8), scale=(-2, -3)),
    "rotated": lambda: Image(zeros(6, 8), **ROTATED),
    "sheared": lambda: Image(zeros(6, 8), scale=(2, 3), shear=[0.4]),
    "affine": lambda: Image(zeros(6, 8), affine=AFFINE),
    "all": lambda: Image(zeros(6, 8), **ROTATED, shear=[0.4], affine=AFFINE),
    "units": lambda: Image(zeros(6, 8), scale=(0.1, 0.1), units=("um", "um")),
    "zyx": lambda: Image(zeros(3, 6, 8), scale=(4, 2, 3), translate=(1, 2, 3)),
    "zyx-rotated": lambda: Image(zeros(3, 6, 8), scale=(4, 2, 3), rotate=(10, 20, 30)),
    "zyx-affine": lambda: Image(zeros(3, 6, 8), scale=(4, 2, 3), affine=AFFINE_3D),
    "tzyx": lambda: Image(zeros(2, 3, 6, 8), scale=(1, 4, -2, 3), translate=(0, 1, 2, 3)),
    "tczyx": lambda: Image(zeros(2, 2, 3, 6, 8), scale=(1, 1, 4, 2, 3), shear=[0.1] * 10),
    "rgb": lambda: Image(zeros(6, 8, 3), rgb=True, **ROTATED),
    "rgba": lambda: Image(zeros(6, 8, 4), rgb=True, **ROTATED),
    "t-rgb": lambda: Image(zeros(2, 6, 8, 3), rgb=True, scale=(1, 2, 3), rotate=(0, 0, 20)),
    "multiscale": lambda: Image([zeros(6, 8), zeros(3, 4)], multiscale=True, **ROTATED),
}


@pytest.fixture(params=LAYERS)
def layer(request):
    """Return a layer that lies somewhere in the world."""
    return LAYERS[request.param]()


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_small_pixels_centres_average_to_their_source_pixels_centre(layer, scale):
    leading = (1,) * (layer.ndim - 2)
    steps = [(down, right) for down in range(scale) for right in range(scale)]

    result = enlarged(layer, scale)

    for row, column in [(0, 0), (2, 5), (5, 7)]:
        parts = [
            result.data_to_world((*leading, row * scale + down, column * scale + right))
            for down, right in steps
        ]
        centre = layer.data_to_world((*leading, row, column))
        np.testing.assert_allclose(np.mean(parts, axis=0), centre, atol=1e-9)


def test_result_has_the_same_outer_edges(layer):
    leading = (1,) * (layer.ndim - 2)

    result = enlarged(layer, 3)

    for row, column in [(0, 0), (6, 0), (6, 8)]:
        np.testing.assert_allclose(
            result.data_to_world((*leading, 3 * row - 0.5, 3 * column - 0.5)),
            layer.data_to_world((*leading, row - 0.5, column - 0.5)),
            atol=1e-9,
        )


def test_one_plane_lies_where_it_was_taken_from():
    layer = LAYERS["tzyx"]()

    result = enlarged(layer, 4, plane=(1, 2))

    assert result.data.shape == (1, 1, 24, 32)
    np.testing.assert_allclose(
        result.data_to_world((0, 0, -0.5, -0.5)), layer.data_to_world((1, 2, -0.5, -0.5))
    )
    np.testing.assert_allclose(
        result.data_to_world((0, 0, 23.5, 31.5)), layer.data_to_world((1, 2, 5.5, 7.5))
    )


def test_result_looks_like_its_source():
    layer = Image(
        zeros(6, 8),
        colormap="magenta",
        contrast_limits=(3, 77),
        gamma=0.7,
        blending="additive",
        opacity=0.6,
        interpolation2d="cubic",
        interpolation3d="nearest",
        units=("um", "nm"),
        axis_labels=("y", "x"),
        name="cell",
    )

    result = enlarged(layer, 2)

    assert result.name == "cell [Nearest x2]"
    assert result.colormap == layer.colormap
    assert tuple(result.contrast_limits) == (3, 77)
    looks = ("gamma", "blending", "opacity", "interpolation2d", "interpolation3d")
    for name in (*looks, "units", "axis_labels"):
        assert getattr(result, name) == getattr(layer, name)


def test_colours_stay_colours():
    result = enlarged(LAYERS["rgba"](), 2)

    assert result.rgb


def test_three_columns_do_not_become_colours():
    layer = Image(zeros(6, 8, 3), rgb=False)

    result = result_arguments(layer, source_of(layer), choice_of(2))

    assert result["rgb"] is False


def test_metadata_are_kept_and_the_record_is_added():
    layer = Image(zeros(6, 8), metadata={"stain": "DAPI"})
    arguments = result_arguments(layer, source_of(layer), choice_of(2))

    result = Image(zeros(12, 16), **with_record(arguments, {"model": "near"}))

    assert result.metadata == {"stain": "DAPI", METADATA_KEY: {"model": "near"}}
    assert layer.metadata == {"stain": "DAPI"}


def test_the_mean_of_eight_views_is_named_so():
    source = source_of(Image(zeros(4, 4), name="cells"))

    plain, mean = (
        result_arguments(Image(zeros(4, 4)), source, choice_of(2), ensemble=so)["name"]
        for so in (False, True)
    )

    assert (plain, mean) == ("cells [Nearest x2]", "cells [Nearest x2, ensemble]")


@pytest.mark.parametrize(
    ("source", "model", "of_result", "name"),
    [
        ("spots", "spots FSRCNN x2", False, "spots [own FSRCNN x2]"),
        ("spots", "spotsy x2", False, "spots [spotsy x2]"),
        ("a [B x2]", "C x3", True, "a [B x2, then C x3]"),
        ("a [B x2] [1]", "C x3", True, "a [B x2] [1] [C x3]"),
        ("a [raw]", "C x3", False, "a [raw] [C x3]"),
    ],
)
def test_a_name_says_each_thing_once(source, model, of_result, name):
    assert result_name(source, model, of_result=of_result) == name


def test_a_long_models_name_is_cut_in_the_middle():
    name = result_name("cells", f"{'epoch-' * 20}final x4, ensemble")

    assert len(name) == len("cells []") + 48
    assert name.endswith("final x4, ensemble]")


@pytest.mark.parametrize("factor", [Fraction(5, 2), Fraction(13, 12), Fraction(108333, 70000)])
@pytest.mark.parametrize("region", [None, Region(slice(2, 5), slice(3, 8))], ids=["whole", "part"])
def test_a_result_of_any_factor_lies_corner_on_corner(layer, factor, region):
    choice = replace(choice_of(3), factor=factor)

    found = result_arguments(layer, source_of(layer), choice, region=region)

    first = (0, 0) if region is None else (2, 3)
    shape = [*layer.level_shapes[0][: layer.ndim - 2], 9, 9, *([3] if layer.rgb else [])]
    result = Image(np.zeros(shape, np.uint8), **{**found, "rgb": layer.rgb})
    leading = (0,) * (layer.ndim - 2)
    corner = [boundary(one, factor) for one in first]
    for ahead in (0, 3.7):  # also a place inside the result
        place = [(one + ahead) / float(factor) - 0.5 for one in corner]
        there = layer.data_to_world((*leading, *place))
        here = result.data_to_world((*leading, ahead - 0.5, ahead - 0.5))
        np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-9)
