"""Mean and spread of eight views: the spread never without the mean, each change told once."""

from __future__ import annotations

import pytest

from napari_sr.widgets.upscale.ensemble_box import EnsembleBox


@pytest.fixture
def box(qtbot):
    made = EnsembleBox()
    qtbot.addWidget(made)
    made.told = []
    made.changed.connect(lambda: made.told.append(made.difference()))
    return made


def test_a_spread_needs_the_mean(box):
    box.spread.setChecked(True)
    assert box.mean.isChecked()

    box.mean.setChecked(False)

    assert not box.spread.isChecked()
    assert box.told == ["mean and spread of eight views", ""]


def test_the_mean_alone_is_a_choice(box):
    box.mean.setChecked(True)

    assert not box.spread.isChecked()
    assert box.told == ["mean of eight views"]


@pytest.mark.parametrize("spread", [False, True])
def test_a_remembered_choice_is_made_again(box, spread):
    box.choose(mean=True, spread=spread)

    assert (box.mean.isChecked(), box.spread.isChecked()) == (True, spread)
    box.choose(mean=False, spread=True)
    assert (box.mean.isChecked(), box.spread.isChecked()) == (False, False)
