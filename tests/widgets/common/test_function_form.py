"""A function runs in a worker; its wrong fields are marked."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # magicgui reads types
from typing import Literal

import numpy as np
import pytest
from forms import PATIENCE
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from superqt.utils import WorkerBase

from napari_sr.runs.job import Step
from napari_sr.widgets.common.function_form import FunctionFields, FunctionForm
from napari_sr.widgets.common.icons import PROPERTY
from napari_sr.widgets.common.remembered_gui import RememberedGui

OPTIONS = {"folder": {"mode": "d", "nullable": True, "label": "Folder"}}


def task(folder: Path, kind: Literal["a", "b"] = "a", number: int = 2, fast: bool = False) -> int:
    """Count.

    Parameters
    ----------
    folder : Path
        The folder to count in.
    kind : str
        The kind of things
        to count.
    number : int
        How many.
    fast : bool
        Whether to hurry.
    """
    return number


def steps(count):
    for number in range(count):
        yield Step(number + 1, count, f"Counting {number + 1}")
    return count


class Counter(FunctionForm):
    """Counts, or fails if it is told to count to nothing."""

    def __init__(self, viewer):
        super().__init__(viewer, FunctionFields(RememberedGui(task, OPTIONS), "Count"), "Count")
        self.results = []
        self._refresh()

    def _problems(self, values):
        return {} if values["folder"] else {"folder": "Choose a folder."}

    def _steps(self, values):
        return (steps, (values["number"],)) if values["number"] else None

    def _show_result(self, result):
        self.results.append(result)


@pytest.fixture
def form(viewer, qtbot):
    form = Counter(viewer)
    qtbot.addWidget(form)
    yield form
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


def test_tooltips_come_from_the_docstring(form):
    assert form.form.frame("kind").toolTip() == "The kind of things\nto count."
    assert form.form.frame("folder").accessibleName() == "Folder"
    assert form.gui.folder.choose_btn.text == "Browse…"


def test_a_required_field_is_neutral_until_it_was_filled(form):
    field = form.form.frame("folder")
    assert (field.styleSheet(), field.placeholderText()) == ("", "required")
    assert form.form.status.text() == "Choose a folder."

    QTest.keyClicks(field, "a")
    QTest.keyClick(field, Qt.Key.Key_Backspace)

    assert "border" in field.styleSheet()


def test_a_wrong_field_is_framed_and_explained_and_no_run_starts(form):
    field = form.form.frame("folder")
    for path in ("/tmp", None):
        form.gui.folder.value = path

    assert field.toolTip() == "Choose a folder."
    assert "border" in field.styleSheet()
    assert form.form.status.text() == "Choose a folder."
    assert not form.form.run.isEnabled()

    form.gui.folder.value = "/tmp"

    assert (field.toolTip(), field.styleSheet()) == ("The folder to count in.", "")
    assert form.form.run.isEnabled()


def test_the_tab_key_goes_through_the_fields_from_top_to_bottom(form):
    folder, gui = form.gui.folder, form.gui
    fields = [one.native for one in (folder.line_edit, folder.choose_btn)]
    fields += [one.native for one in (gui.kind, gui.number, gui.fast)]
    fields += [form.form.run, form.form.stop]
    chain, at = [], fields[0]
    for _ in range(100):
        chain.append(at)
        at = at.nextInFocusChain()

    assert [one for one in dict.fromkeys(chain) if one in fields] == fields


def test_a_run_is_in_a_worker_and_its_result_is_shown(form, qtbot):
    form.gui.folder.value = "/tmp"
    with qtbot.waitSignal(form.run_ended, timeout=PATIENCE):
        form.form.run.click()
        assert not form.form.run.isEnabled()

    assert form.results == [2]
    assert form.form.run.isEnabled()


def test_a_form_that_has_nothing_to_run_starts_nothing(form):
    form.gui.folder.value, form.gui.number.value = "/tmp", 0

    form.form.run.click()

    assert form._worker is None


def test_cancel_ends_the_run(form, qtbot):
    form.gui.folder.value, form.gui.number.value = "/tmp", 999
    with qtbot.waitSignal(form.run_ended, timeout=PATIENCE):
        form.form.run.click()
        form.form.stop.click()

    assert form.results == []
    assert form.form.status.text() == "Cancelled."


def test_all_such_forms_open_in_a_window_and_close_with_it(make_napari_viewer):
    viewer = make_napari_viewer(strict_qt="raise")
    viewer.add_image(np.zeros((8, 8)), name="cells")
    names = ("Upscale a folder", "Measure two layers", "Download models", "Save a layer")

    opened = [viewer.window.add_plugin_dock_widget("napari-sr", name) for name in names]
    viewer.add_image(np.zeros((8, 8)), name="more")

    measuring, saving = opened[1][1], opened[3][1]
    assert [layer.name for layer in measuring.gui.result.choices] == ["cells", "more"]
    assert [layer.name for layer in saving.gui.layer.choices] == ["cells", "more"]
    for dock, _ in opened[:2]:
        viewer.window.remove_dock_widget(dock)


def test_an_optional_choice_is_none_in_words_and_icons_say_what_buttons_do(qtbot):
    def optional(kind: Literal["a", "b"] | None = None) -> None:
        """Do nothing."""

    fields = FunctionFields(RememberedGui(optional, {}), "Save", icon="save")
    qtbot.addWidget(fields)

    assert fields.frame("kind").currentText() == "none"
    assert fields.run.property(PROPERTY) == "save"


def test_fields_of_paths_have_a_button_with_an_icon_and_a_tip(form):
    browse = form.gui.folder.choose_btn.native

    assert browse.property(PROPERTY) == "folder"
    assert browse.toolTip()
