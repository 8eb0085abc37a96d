from __future__ import annotations

import pytest
from qtpy.QtWidgets import QLabel, QLineEdit

from napari_sr.widgets.common.fields import RunFields


class OneField(RunFields):
    """A form with one field that may be wrong."""

    def __init__(self):
        super().__init__("Run", "Stop")
        self.name = QLineEdit()
        self.name.setToolTip("Its name.")
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
    form.show_problems({"name": "A name is needed"})
    wrong = "border" in form.name.styleSheet(), form.name.toolTip()

    form.show_problems({})

    assert wrong == (True, "A name is needed")
    assert (form.name.styleSheet(), form.name.toolTip()) == ("", "Its name.")


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
