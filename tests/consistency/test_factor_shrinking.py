"""Shrinking by any factor against the bicubic shrinking of the network's own result."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.consistency.factor_shrinking import FactorShrinking
from napari_sr.consistency.pair import pair_of, sizes_of
from napari_sr.engine.image.arrays import layout_of
from napari_sr.evaluation._imresize import imresize
from napari_sr.layers.area_resize import Shrunk, shrink

SIDE = 36


def seen_and_result(random, scale, factor, width=0.7):
    """Return a source, and the means of the larger image from which it was shrunk."""
    large = gaussian_filter(random.normal(100, 30, (SIDE * scale,) * 2), width)
    axis = Shrunk(SIDE * scale, scale / Fraction(factor))
    size = sizes_of(layout_of((SIDE, SIDE), "float64", "YX"), (0, 0), Fraction(factor))
    result = shrink(large, (0, 0), (axis, axis), (slice(0, size[0]), slice(0, size[1])))
    return imresize(large, Fraction(1, scale)), result


def whole(pair):
    return pair.difference((), slice(0, pair.layout.height), slice(0, pair.layout.width))[0]


@pytest.mark.parametrize(
    ("scale", "factor", "most"),
    [(2, "3/2", 0.06), (2, "9/5", 0.02), (3, "5/2", 0.01), (4, "33/10", 0.01), (8, 7, 0.001)],
)
def test_a_result_that_agrees_still_agrees_after_it_is_shrunk(random, scale, factor, most):
    source, result = seen_and_result(random, scale, factor)
    factor = int(factor) if factor == 7 else Fraction(factor)

    found = whole(pair_of(source, result, scale=factor, network_scale=scale, axes="YX"))

    inside = found[4:-4, 4:-4]  # a result that is no whole number of pixels ends elsewhere
    assert np.sqrt((inside**2).mean()) < most * source.std()


def test_the_factor_is_needed_if_it_is_not_whole(random):
    source, result = seen_and_result(random, 3, "5/2")
    with pytest.raises(ValueError, match=r"a whole number of times, got \(90, 90\); for another"):
        pair_of(source, result, axes="YX")
    with pytest.raises(ValueError, match=r"enlarged along Y and X 2.4 times, got \(90, 90\)"):
        pair_of(source, result, scale=Fraction(12, 5), axes="YX")


@pytest.mark.parametrize("factor", ["5/2", "13/12"])
@pytest.mark.parametrize("model", [None, "optics"])
def test_a_region_has_the_differences_of_the_whole_or_none(random, factor, model):
    factor = Fraction(factor)
    source, result = seen_and_result(random, 3, factor)
    spans = (5, 34), (0, 23)
    starts = tuple(start for start, _ in spans)
    size = sizes_of(layout_of((29, 23), "float64", "YX"), starts, factor)
    first = [int(start * factor + Fraction(1, 2)) for start in starts]
    part = result[first[0] : first[0] + size[0], first[1] : first[1] + size[1]]
    options = {"scale": factor, "network_scale": 3, "axes": "YX"}
    all_of_it = pair_of(source, result, model, **options)

    found = pair_of(source, part, model, spans=spans, **options)
    found = replace(found, shrinking=all_of_it.shrinking)  # another blur may fit better

    blur = all_of_it.shrinking.blur
    found, known = whole(found), whole(all_of_it)[5:34, :23]
    seen = np.isfinite(found)
    np.testing.assert_allclose(found[seen], known[seen], atol=1e-9)
    margin = 4 if blur is None else 8
    assert seen[margin:-margin, : -margin or None].all()
    assert blur == 0 or not seen[0].any()  # it depends on pixels that were not computed
    assert seen[margin, 0]  # the image's own border


def test_optics_are_a_blur_and_means_over_the_area_of_a_pixel(random):
    result = random.normal(1000, 300, (25, 25))
    seen = gaussian_filter(result, 1.5, mode="nearest").repeat(2, 0).repeat(2, 1)
    source = seen.reshape(10, 5, 10, 5).mean(axis=(1, 3))  # 5 halves of a pixel

    pair = pair_of(source, result, "optics", scale=Fraction(5, 2), network_scale=3)

    assert pair.shrinking.blur == 1.5
    np.testing.assert_allclose(whole(pair), 0, atol=1e-9)


@pytest.mark.parametrize("factor", [Fraction(11, 10), Fraction(5, 2), Fraction(1234567, 10**6)])
def test_a_constant_stays_constant_and_a_ramp_in_place(factor):
    method = FactorShrinking(factor)
    span = slice(3, 20)
    edges = np.arange(method.reach(span).start, method.reach(span).stop + 1) / float(factor)

    found = method.along_rows(((edges[1:] + edges[:-1]) / 2)[:, None], span)[:, 0]
    flat = method.along_rows(np.full((len(edges) - 1, 1), 65535.0), span)

    np.testing.assert_allclose(flat, 65535, rtol=1e-12)
    np.testing.assert_allclose(found, np.arange(3, 20) + 0.5, atol=2e-3)
