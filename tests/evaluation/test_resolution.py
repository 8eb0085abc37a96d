"""Figures of a source and its result, in every way that the data allow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from napari_sr.evaluation import decorrelation, error_map, frc, resolution, single_frc

CHECKERBOARD, CALIBRATED, PHOTONS, EXPOSURES = (
    "FRC, checkerboard", "FRC, calibrated checkerboard", "FRC, split photons", "FRC, two exposures"
)  # fmt: skip


@pytest.fixture
def pair(random):
    """Return two exposures of a blurred scene, as counts of photons."""
    scene = gaussian_filter(random.random((128, 150)), 4, mode="wrap")
    scene = (scene - scene.min()) / np.ptp(scene) * 200
    return random.poisson(scene), random.poisson(scene)


def larger(image):
    """Return an enlarged image, by splines."""
    return zoom(np.asarray(image, float), 2, order=3, mode="grid-mirror", grid_mode=True)


def test_each_figure_is_that_of_its_function(pair):
    found = resolution(
        pair[0], larger(pair[0]), second=pair[1], second_result=larger(pair[1]), gain=1,
        pixel_size=0.1, unit="µm",
    )  # fmt: skip

    assert [row.unit for row in found.rows] == ["µm"] * 5 + [""] * 2
    expected = {
        CHECKERBOARD: frc(pair[0], pixel_size=0.1),
        CALIBRATED: single_frc(pair[0], "diagonals", pixel_size=0.1),
        PHOTONS: single_frc(pair[0], "counts", gain=1, pixel_size=0.1),
        EXPOSURES: frc(*pair, pixel_size=0.1),
        "decorrelation": decorrelation(pair[0], pixel_size=0.1),
    }
    for name, agreement in expected.items():
        assert found.figure(name).source == agreement.resolution, name
    of_results = frc(*map(larger, pair), pixel_size=0.05)
    assert found.figure(EXPOSURES).result == of_results.resolution
    of_result = decorrelation(larger(pair[0]), pixel_size=0.05)
    assert found.figure("decorrelation").result == of_result.resolution
    errors = error_map(pair[0], larger(pair[0]))
    assert found.figure("RSP, 1 if equal").result == errors.rsp
    assert found.figure("RSE, in values").result == errors.rse
    np.testing.assert_array_equal(found.errors.map, errors.map)
    assert set(found.curves) == {"source", "result"}
    assert found.curves["result"].frequencies[-1] == pytest.approx(10)


def test_enlarging_does_not_resolve_more(pair):
    found = resolution(pair[0], larger(pair[0]), second=pair[1], second_result=larger(pair[1]))

    row = found.figure(EXPOSURES)
    assert row.result == pytest.approx(row.source, rel=0.05)


def test_a_result_is_split_before_it_is_made(pair):
    seen = []

    def again(image):
        seen.append(image)
        return larger(image)

    stored = pair[0] * 2 + 100
    found = resolution(stored, larger(stored), gain=2, offset=100, again=again)

    # both halves, with twice their light: a network sees the usual brightness
    np.testing.assert_allclose((seen[0] + seen[1]) / 2, stored)
    row = found.figure(PHOTONS)
    assert row.result == pytest.approx(row.source, rel=0.1)
    assert found.figure(CHECKERBOARD).result is None
    assert found.figure(CHECKERBOARD).notes == (
        "result: neighbouring pixels of a result share noise, so it cannot be split",
    )


def test_a_wrong_gain_gets_no_figure(pair):
    too_small = resolution(pair[0] * 2 + 100, gain=0.2, offset=100).figure(PHOTONS)
    too_large = resolution(pair[0] * 2 + 100, gain=20, offset=100).figure(PHOTONS)

    assert too_small.source is None
    assert too_small.notes[0].endswith("because the gain is too small")
    assert too_large.source is None
    assert "less noise than photons cause" in too_large.notes[0]


def test_read_noise_that_is_not_given_costs_only_the_photons(random):
    scene = gaussian_filter(random.standard_normal((128, 128)), 3, mode="wrap")
    scene = np.maximum(scene / scene.std(), 0) * 100  # half of it is dark
    stored = random.poisson(scene) + random.normal(100, 3, scene.shape)

    found = resolution(stored, gain=1, offset=100)
    told = resolution(stored, gain=1, offset=100, read_noise=3)

    assert found.figure(PHOTONS).source is None
    assert "or the read noise" in found.figure(PHOTONS).notes[0]
    others = [row for row in found.rows if row.name != PHOTONS]
    assert others == [row for row in told.rows if row.name != PHOTONS]
    assert math.isfinite(told.figure(PHOTONS).source)


def test_a_second_exposure_without_its_result_is_told(pair):
    row = resolution(pair[0], larger(pair[0]), second=pair[1]).figure(EXPOSURES)

    assert row.result is None
    assert row.notes == ("result: the result of the second exposure is missing",)


def test_stripes_noise_and_enlarged_images_get_no_figure(random):
    waves = 50 + 40 * np.sin(np.arange(128) * 2 * np.pi / 8)[:, None] + np.zeros((128, 128))
    stripes = resolution(random.poisson(waves), second=random.poisson(waves), gain=1)
    noise = resolution(random.poisson(50.0, (128, 100)), gain=1)
    doubled = resolution(np.kron(random.random((64, 64)), np.ones((2, 2))))

    assert all(row.source in (None, math.inf) for row in stripes.rows[:4])
    told = [row.notes[0] for row in stripes.rows[:4] if row.name != CALIBRATED]
    assert all("rises again at a period of" in note for note in told)
    assert [row.source for row in noise.rows] == [math.inf] * 4
    assert [row.source for row in doubled.rows[:2]] == [None] * 2


def test_detail_finer_than_the_source_is_the_model_s(pair, random):
    sharp = larger(pair[0]) + 100 * random.random((256, 300))

    row = resolution(pair[0], gaussian_filter(sharp, 0.7)).figure("decorrelation")

    assert row.result < 2
    assert row.notes == ("result: finer than two pixels of the source, so the model made it",)


def test_detail_at_the_end_of_a_checkerboard_gets_no_figure(random):
    coarse, fine = (
        gaussian_filter(random.standard_normal((512, 512)), blur, mode="wrap") for blur in (6, 1)
    )
    scene = coarse / coarse.std() + fine / fine.std()
    scene = (scene - scene.min()) / np.ptp(scene) * 50

    row = resolution(random.poisson(scene)).figure(CHECKERBOARD)

    assert row.source is None
    assert row.notes == ("source: detail is finer than 4.4 px",)


def test_colours_are_measured_as_luma(pair):
    colours = np.repeat(pair[0][..., None], 3, axis=-1)

    found = resolution(colours)

    assert found.figure(CHECKERBOARD).source == pytest.approx(frc(pair[0]).resolution, rel=1e-6)
    assert found.notes == ["a colour camera interpolates its pixels, so neighbours share noise"]


def test_photons_of_colours_are_split_one_by_one(pair):
    colours = np.stack([pair[0], pair[1], pair[0] + pair[1]], axis=-1)
    result = np.stack([larger(colours[..., at]) for at in range(3)], axis=-1)
    halves = []

    def again(half):
        halves.append(half)
        return np.stack([larger(half[..., at]) for at in range(3)], axis=-1)

    found = resolution(colours, result, gain=1, again=again)

    for at, colour in enumerate(("red", "green", "blue")):
        grey = resolution(colours[..., at], result[..., at], gain=1, again=larger)
        row, expected = found.figure(f"{PHOTONS}, {colour}"), grey.figure(PHOTONS)
        assert (row.source, row.result) == (expected.source, expected.result)
    assert [half.shape for half in halves] == [colours.shape] * 2
    np.testing.assert_array_equal((halves[0] + halves[1]) / 2, colours)


def test_a_colour_without_light_gets_a_sentence_and_others_their_figure(pair):
    colours = np.stack([pair[0], np.zeros_like(pair[0]), pair[1]], axis=-1)
    result = np.stack([larger(colours[..., at]) for at in range(3)], axis=-1)

    found = resolution(colours, result, gain=1, again=lambda half: pytest.fail("not possible"))

    assert found.figure(f"{PHOTONS}, green").notes == ("green is 0 everywhere",)
    red = found.figure(f"{PHOTONS}, red")
    assert red.source == resolution(pair[0], gain=1).figure(PHOTONS).source
    assert red.result is None
    assert any("needs all colours" in note for note in red.notes)


def test_saturation_is_told_but_few_photons_are_not(pair, random):
    saturated = resolution(np.minimum(pair[0], np.percentile(pair[0], 95)))
    faint = resolution(random.poisson(0.05, (70, 70)))

    assert "have its largest value" in saturated.notes[0]
    assert resolution(pair[0]).notes == faint.notes == []


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((70, 70)), "got 0 everywhere"),
        (np.full((70, 70), 200, np.uint8), "got 200 everywhere"),
        (np.full((70, 70), np.nan), "4900 of 4900 values"),
        (np.eye(40), "after splitting"),
        (np.eye(70) > 0, "integers or floats"),
    ],
)
def test_what_cannot_be_measured_is_refused(image, words):
    with pytest.raises(ValueError, match=words):
        resolution(image)
