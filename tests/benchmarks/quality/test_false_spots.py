"""False spots are counted at the threshold that finds enough of the known ones."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def false_spots(benchmark):
    return benchmark("quality/false_spots")


def field_of(module, spots, doubtful=()):
    nothing = np.zeros((100, 100))
    places = (np.array(one, float).reshape(-1, 2) for one in (spots, doubtful))
    return module.Field("made", "made", 10, nothing[::2, ::2], nothing, *places)


def image_of(heights):
    image = np.zeros((100, 100))
    for place, height in heights.items():
        image[place] = height
    return image


def test_what_is_higher_than_the_needed_spots_is_false(false_spots):
    spots = [(20, 20), (20, 50), (20, 80), (50, 20), (50, 50)]
    seen = {(20, 21): 9, (20, 51): 8, (80, 80): 7.5, (20, 80): 7, (80, 20): 6, (50, 20): 5}

    found = false_spots.false_spots(image_of(seen), field_of(false_spots, spots))

    assert found[:2] == [1, 2]  # three of five spots, and four
    assert np.isnan(found[2])  # one spot of five is not seen at any threshold


def test_doubtful_spots_count_neither_way_and_a_spot_counts_once(false_spots):
    field = field_of(false_spots, [(30, 30)], doubtful=[(60, 60)])

    alone = false_spots.false_spots(image_of({(60, 61): 9, (30, 30): 8}), field)
    twice = false_spots.false_spots(image_of({(30, 27): 9, (80, 80): 8, (33, 30): 7}), field)

    assert alone == [0, 0, 0]
    assert twice == [0, 0, 0]


def test_made_spots_are_found_where_they_are(benchmark):
    fields = benchmark("quality/spot_fields")
    truth, spots = fields.made(0, haze=False)

    places, heights = fields.maxima(truth, 4)

    brightest = places[np.argsort(-heights)][: len(spots)]
    apart = np.abs(spots[:, None] - brightest[None]).max(axis=2).min(axis=1)
    assert apart.max() <= 0.6
