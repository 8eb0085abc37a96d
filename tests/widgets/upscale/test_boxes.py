"""What the boxes of a run offer, and that every choice is a value of its setting."""

from __future__ import annotations

import pytest

from napari_sr.engine.image.guards import OUTLIERS
from napari_sr.engine.planning.border import BORDERS
from napari_sr.engine.planning.settings import Settings
from napari_sr.widgets.upscale.boxes import (
    ENGINES,
    border_box,
    engine_box,
    outliers_box,
    precision_box,
    tile_box,
)


def values(box):
    return [box.itemData(row) for row in range(box.count())]


@pytest.mark.parametrize(
    ("make", "expected", "usual"),
    [
        (border_box, list(BORDERS), Settings.border),
        (outliers_box, list(OUTLIERS), Settings.outliers),
        (precision_box, ["auto", "float32", "float16", "bfloat16"], Settings.precision),
        (engine_box, list(ENGINES), "automatic"),
    ],
)
def test_a_box_offers_all_values_and_begins_with_the_usual_one(qtbot, make, expected, usual):
    box = make()
    qtbot.addWidget(box)

    assert sorted(values(box)) == sorted(expected)
    assert box.currentData() == usual
    assert box.toolTip()


def test_no_tile_is_chosen_by_default(qtbot):
    box = tile_box()
    qtbot.addWidget(box)

    assert (box.value(), box.text()) == (0, "automatic")
