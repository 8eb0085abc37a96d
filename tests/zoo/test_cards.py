from __future__ import annotations

import re
from pathlib import Path

import pytest

from napari_sr.zoo import cards
from napari_sr.zoo.card import card_of
from napari_sr.zoo.registry import entries

PAGE = Path(__file__).parents[2] / "docs" / "weights.md"
SHIPPED = [entry for entry in entries() if entry.url is None and not entry.computed]


def test_the_page_shows_the_cards_of_what_ships():
    assert cards.table() in PAGE.read_text(encoding="utf-8")


def _steps(file):
    """Return the steps of a network's training, and of the shipped network that it starts from."""
    card = card_of(cards.SHIPPED / file)
    start = card["recipe"]["start"]["checkpoint"] if "recipe" in card else ""
    before = [one.file for one in SHIPPED if one.name == start]
    return card["steps"] + sum(map(_steps, before))


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_a_row_tells_data_recipe_steps_device_scores_and_licence(entry):
    row = next(line for line in cards.table().splitlines() if f"`{entry.file}`" in line)

    cells = dict(zip(cards.COLUMNS, row.strip("| ").split(" | "), strict=True))
    assert cells["licence"] == entry.licence
    images = f"em_hr_x{entry.scale}" if entry.family == "em" else "General100"
    assert images in cells["trained on"]
    assert not re.search("Set5|Set14|BSD100|Urban100", cells["trained on"])
    assert _steps(entry.file) >= 1000
    assert re.match(r"\d+\.\d h, \S", cells["trained for"])
    for score in (cells["Set5, dB"], cells["Set14, dB"]):
        assert 20 < float(score.split()[0]) < 45


def test_all_weights_together_stay_small():
    assert sum(entry.size for entry in SHIPPED) < 3_600_000
