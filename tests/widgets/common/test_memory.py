import pytest

from napari_sr.widgets.common import memory
from napari_sr.widgets.common.memory import (
    _settings,
    remember,
    remember_nothing,
    remembered,
)


def test_what_is_remembered_is_found_again():
    choices = {"model": "bsrn \u00d7", "tile": 0, "ensemble": True, "scale": None}

    remember("upscale", choices)
    remember("train", {"tile": 1})

    assert remembered("upscale") == choices
    assert remembered("train") == {"tile": 1}


@pytest.mark.parametrize("broken", ["", "{", "[1]", "3", "null"])
def test_nothing_is_remembered_of_what_cannot_be_read(broken):
    assert remembered("upscale") == {}

    _settings().setValue("upscale", broken)

    assert remembered("upscale") == {}


def test_a_session_of_its_own_changes_nothing_for_others(monkeypatch):
    remember("upscale", {"tile": 64})
    monkeypatch.setattr(memory, "_this_session", None)

    remember_nothing()
    before = remembered("upscale")
    remember("upscale", {"tile": 1})

    assert before == {}
    assert remembered("upscale") == {"tile": 1}
    monkeypatch.undo()
    assert remembered("upscale") == {"tile": 64}
