"""Numbers of two planes whose pixels differ in size: exact in any rectangle."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.evaluation import psnr, ssim
from napari_sr.evaluation.measure import WHOLE, Placement, measure


def table(found, region=WHOLE):
    return {row.name: (row.result, row.reference) for row in found.rows if row.region == region}


@pytest.fixture
def pair(random):
    """Return an image and its exact enlargement by 3."""
    image = random.random((20, 15))
    return np.repeat(np.repeat(image, 3, 0), 3, 1), image


def test_an_exact_enlargement_has_equal_sums(pair):
    result, image = pair

    found = measure(result, image)

    assert table(found)["pixels"] == pytest.approx((2700, 300))
    for name in ("sum", "mean", "standard deviation", "minimum", "maximum"):
        assert table(found)[name][0] == pytest.approx(table(found)[name][1])
    assert table(found)["sum"][1] == pytest.approx(image.sum())
    assert found.notes == ["PSNR and SSIM need layers with the same pixel grid"]


@pytest.mark.parametrize("edges", [((1.5, 7.5), (2.5, 9.5)), ((0.7, 3.1), (4.2, 4.4))])
def test_pixels_count_by_their_covered_share(pair, edges):
    result, image = pair
    fine = np.repeat(np.repeat(image, 100, 0), 100, 1)
    (top, bottom), (left, right) = (  # in hundredths
        np.round((np.array(one) + 0.5) * 100).astype(int) for one in edges
    )
    expected = fine[top:bottom, left:right].sum() / 1e4

    found = table(measure(result, image, {"a": edges}), "a")

    assert found["sum"] == pytest.approx((expected, expected))
    assert found["pixels"][0] == pytest.approx(9 * found["pixels"][1])


def test_only_what_both_show_is_measured(pair):
    result, image = pair
    part = result[6:30, 3:24]  # of the rows 2 to 9 and the columns 1 to 7 of the image
    placement = Placement((3, 3), (1 - 6, 1 - 3))

    found = measure(part, image, placement=placement)
    outside = measure(part, image, {"far": ((12.0, 15.0), (0.0, 9.0))}, placement=placement)

    assert table(found)["sum"][1] == pytest.approx(image[2:10, 1:8].sum())
    assert table(found)["sum"][0] == pytest.approx(table(found)["sum"][1])
    assert outside.rows == []
    assert outside.notes[0] == "far is outside the area that both layers show"


def test_a_mirrored_layer_is_measured_in_place(pair):
    result, image = pair
    mirrored = Placement((-3, 3), (58, 1))
    edges = {"a": ((1.5, 4.5), (2.5, 9.5))}

    there = table(measure(result[::-1], image, edges, placement=mirrored), "a")

    assert there["sum"][0] == pytest.approx(there["sum"][1])
    again = mirrored.inverse.in_result(mirrored.in_result(edges["a"]))
    np.testing.assert_allclose(again, edges["a"])


def test_equal_pixels_are_compared(random):
    truth = random.random((30, 40))
    result = np.clip(truth + 0.05 * random.standard_normal(truth.shape), 0, 1)
    edges = {"a": ((4.5, 24.5), (2.5, 22.5)), "b": ((0.0, 3.0), (0.0, 3.0))}

    found = measure(result, truth, edges)

    assert table(found, "a")["PSNR"][0] == psnr(result[5:25, 3:23], truth[5:25, 3:23])
    assert table(found, "a")["SSIM"][0] == ssim(result[5:25, 3:23], truth[5:25, 3:23])
    assert "SSIM" not in table(found, "b")  # smaller than the window
    assert found.notes == []


@pytest.mark.parametrize(
    ("result", "reference", "what"),
    [
        (np.zeros((9, 9), np.uint8), np.zeros((9, 9)), "one data type, got uint8 and float64"),
        (np.zeros((9, 9)), np.full((9, 9), 7.0), "the reference's values, 7 to 7, got 0 to 1"),
        (np.full((9, 9), np.nan), np.zeros((9, 9)), "81 of 81 values are NaN"),
        (np.zeros((9, 9)), np.zeros((9, 9, 3)), "layers with the same pixel grid"),
    ],
)
def test_why_there_is_no_psnr_is_told(result, reference, what):
    found = measure(result, reference, value_range=(0, 1))

    assert what in found.notes[0]
    assert "PSNR" not in table(found)


def test_colours_are_measured_as_luma():
    grey = np.full((4, 4, 3), 80, np.uint8)

    assert table(measure(grey, grey))["mean"] == pytest.approx((80, 80))
    with pytest.raises(ValueError, match=r"\(H, W\) or \(H, W, 3\), got \(2, 4, 4\)"):
        measure(np.zeros((2, 4, 4)), np.zeros((4, 4)))


def test_shifted_pixels_are_not_compared(random):
    image = random.random((20, 15))

    found = measure(image, image, placement=Placement((1, 1), (0, 2)))

    assert found.notes == ["PSNR and SSIM need layers with the same pixel grid"]
    assert table(found)["sum"][0] == pytest.approx(image[:, 2:].sum())
