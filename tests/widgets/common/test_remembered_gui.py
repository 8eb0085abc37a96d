"""magicgui's fields of a function, whose values persist."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from napari_sr.widgets.common.memory import remember, remembered
from napari_sr.widgets.common.remembered_gui import RememberedGui

OPTIONS = {"folder": {"mode": "d", "nullable": True, "label": "Folder"}}


def task(
    folder: Path, kind: Literal["a", "b"] = "a", number: int = 2, fast: bool = False,
    *, workers: int = 3,
) -> int:  # fmt: skip
    """Count."""
    return number


def test_values_persist_in_the_plugin_s_memory_and_not_in_magicgui_s(qtbot, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", lambda *_: pytest.fail("magicgui pickled"))
    gui = RememberedGui(task, OPTIONS, forgotten=("fast",))
    gui.folder.value, gui.kind.value, gui.number.value, gui.fast.value = "/tmp", "b", 7, True

    assert remembered("task") == {"number": 7, "folder": str(Path("/tmp").absolute()), "kind": "b"}
    again = RememberedGui(task, OPTIONS, forgotten=("fast",))
    assert again.asdict() == {
        "folder": Path("/tmp").absolute(), "kind": "b", "number": 7, "fast": False,
    }  # fmt: skip


def test_values_that_are_no_longer_possible_are_left_out(qtbot):
    remember("task", {"kind": "z", "number": "many", "gone": 1, "native": 2, "fast": True})

    gui = RememberedGui(task, OPTIONS)

    assert gui.asdict() == {"folder": None, "kind": "a", "number": 2, "fast": True}


def test_keyword_only_parameters_have_no_fields(qtbot):
    assert [widget.name for widget in RememberedGui(task, OPTIONS)] == [
        "folder", "kind", "number", "fast",
    ]  # fmt: skip
