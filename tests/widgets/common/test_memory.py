import pytest
from qtpy.QtCore import QSettings

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


def test_a_process_may_leave_what_was_remembered_alone(tmp_path):
    remember("upscale", {"tile": 64})

    remember_nothing()
    before = remembered("upscale")
    remember("upscale", {"tile": 1})

    assert before == {}
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path))
    assert remembered("upscale") == {"tile": 64}
