from __future__ import annotations

import pytest
from qtpy.QtWidgets import QLabel, QLineEdit, QPushButton, QToolTip

from napari_sr.widgets.common.fields import RunFields


class OneField(RunFields):
    """A form with one field that may be wrong."""

    def __init__(self):
        super().__init__("Run", "Stop")
        self.name = QLineEdit()
        self.name.setToolTip("Its name.")
        self.pause = QPushButton("Pause")
        self.before, self.after = QLabel("before"), QLabel("after")
        self.arrange([("Name", self.name)], above=[self.before], below=[self.after])

    def checked(self):
        return {"name": self.name}


@pytest.fixture
def form(qtbot):
    form = OneField()
    qtbot.addWidget(form)
    form.show()
    return form


def test_a_wrong_field_is_framed_until_it_is_right(form):
    form.name.setText("taken")
    form.show_problems({"name": "A name is needed"})
    wrong = "border" in form.name.styleSheet(), form.name.toolTip()

    form.show_problems({})

    assert wrong == (True, "A name is needed")
    assert (form.name.styleSheet(), form.name.toolTip()) == ("", "Its name.")


def test_a_field_that_is_still_empty_is_explained_but_not_framed(form):
    form.show_problems({"name": "A name is needed"})

    assert (form.name.styleSheet(), form.name.toolTip()) == ("", "A name is needed")


def test_a_problem_is_shown_beside_the_field_if_the_status_is_out_of_view(form, qtbot, monkeypatch):
    shown = []
    monkeypatch.setattr(QToolTip, "showText", lambda place, text, field: shown.append(text))
    monkeypatch.setattr(QToolTip, "hideText", lambda: shown.append("hidden"))
    with qtbot.waitActive(form):
        form.activateWindow()
    form.name.setFocus()
    form.show_problems({"name": "A name is needed"})
    form.show_problems({})
    assert shown == ["hidden"]  # the status is visible

    form.before.setFixedHeight(900)
    form.resize(400, 300)
    qtbot.waitUntil(lambda: form.verticalScrollBar().maximum() > 0)
    form.show_problems({"name": "A name is needed"})
    form.show_problems({"name": "A name is needed"})
    assert shown == ["hidden", "A name is needed"]


def test_problems_of_other_fields_change_nothing(form):
    form.show_problems({"size": "A size is needed"})

    assert form.name.styleSheet() == ""


def test_the_bar_and_the_stop_button_are_for_a_run(form):
    idle = form.bar.isVisible(), form.stop.isEnabled()

    form.show_running(True)

    assert idle == (False, False)
    assert (form.bar.isVisible(), form.stop.isEnabled(), form.run.isEnabled()) == (
        True,
        True,
        False,
    )


def test_a_total_of_zero_lets_the_bar_swing(form):
    form.show_progress(3, 4)
    known = form.bar.value(), form.bar.maximum()

    form.show_progress(0, 0)

    assert known == (3, 4)
    assert (form.bar.minimum(), form.bar.maximum()) == (0, 0)


def test_widgets_stand_in_their_order(form):
    order = (form.name, form.before, form.run, form.bar, form.status, form.after)

    tops = [each.mapTo(form, each.rect().topLeft()).y() for each in order]

    assert tops == sorted(tops)


def test_during_a_run_pause_stands_in_the_place_of_run_and_has_its_focus(form, qtbot):
    def shown():
        return [one.isVisible() for one in (form.run, form.pause)]

    idle = shown()
    form.run.setFocus()
    form.show_running(True)
    running, focus = shown(), form.focusWidget()
    form.show_cancelling()
    ending = form.pause.isEnabled(), form.stop.isEnabled()
    form.pause.setEnabled(True)
    form.pause.setFocus()
    form.show_running(False)

    assert (idle, running, shown()) == ([True, False], [False, True], [True, False])
    assert focus is form.pause
    assert ending == (False, False)
    assert form.focusWidget() is form.run


def test_the_button_offers_to_resume_until_the_next_run(form):
    form.show_running(True)
    form.show_pausing(True)
    paused = form.pause.text(), form.pause.toolTip()

    form.show_running(True)

    assert paused == ("Resume", "Continue the run.")
    assert form.pause.text() == "Pause"
    assert "memory" in form.pause.toolTip()
