"""The part of a layer that a preview shows, and the sentence about it."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.runs.model import ModelReference
from napari_sr.runs.source import Source
from napari_sr.streaming.preview_request import PreviewRequest
from napari_sr.widgets.upscale.preview_view import (
    LARGEST,
    View,
    alike,
    central,
    in_words,
    why_no_preview,
)

REGION = Region(slice(2, 9), slice(0, 5))


def view_of(data, plane=(0,), region=REGION, layer="layer", scale=2):
    source = Source("cells", data, data.shape, "ZYX", False)
    asked = PreviewRequest(source, plane, region, ModelReference("bsrn-x2"), Settings())
    return View(asked, layer, scale, dict)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(50, 60), (9000, 7000), (20, 30000), (40000, 10)], ids=str)
def test_a_large_region_is_cut_around_its_centre(size, scale):
    region = Region(slice(7, 7 + size[0]), slice(3, 3 + size[1]))

    cut = central(region, scale)

    assert cut.is_inside(region)
    height, width = cut.size
    assert height * width * scale**2 <= LARGEST
    if size[0] * size[1] * scale**2 <= LARGEST:
        assert cut == region
    else:
        assert height * width * scale**2 > LARGEST / 2
    middle = [
        abs((a.start + a.stop) - (b.start + b.stop))
        for a, b in zip((cut.rows, cut.columns), (region.rows, region.columns), strict=True)
    ]
    assert max(middle) <= 1


def test_views_of_one_plane_share_their_blocks():
    data = np.zeros((3, 20, 30), np.uint16)
    view = view_of(data)

    assert alike(view, view_of(data, region=Region(slice(0, 1), slice(0, 1))))
    assert not alike(view, view_of(data, plane=(1,)))
    assert not alike(view, view_of(data.copy()))
    assert not alike(view, view_of(data, layer="other"))


@pytest.mark.parametrize(
    ("missing", "other_unit", "words"),
    [
        ((), False, ""),
        (("entry",), False, "not downloaded yet"),
        ((), True, r"results of cells may have another unit than the image. Run it on a region"),
    ],
)
def test_a_model_without_a_preview_says_why(missing, other_unit, words):
    model = SimpleNamespace(title="cells", other_unit=other_unit)
    choice = SimpleNamespace(reference=SimpleNamespace(missing=missing), model=model)

    reason = why_no_preview(choice)

    assert words in reason
    assert bool(words) == reason.startswith("No preview: ")


def test_the_size_of_a_plane_s_result():
    assert view_of(np.zeros((3, 20, 30), np.uint16), scale=4).plane_bytes == 20 * 30 * 16 * 2


@pytest.mark.parametrize(
    ("exact", "share", "words"),
    [
        (True, None, "these are the pixels of the result."),
        (False, None, "so the preview differs slightly."),
        (False, 0.255, "differs slightly until all of the plane is computed (26%)."),
    ],
)
def test_it_says_whether_the_preview_is_exact(exact, share, words):
    view = view_of(np.zeros((3, 20, 30)))

    assert in_words(view, REGION, exact=exact, share=share).endswith(words)


def test_of_a_large_region_only_the_centre_is_said_to_be_shown():
    view = view_of(np.zeros((3, 20, 30)))

    words = in_words(view, Region(slice(3, 8), slice(0, 5)), exact=True)

    assert words.endswith("the result in the centre of the view; zoom in for the rest.")
