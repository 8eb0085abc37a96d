from __future__ import annotations

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_sr.widgets.common.question import agreed, question


def answer(role):
    """Press a button of the question that is about to be asked."""

    def press():
        box = QApplication.activeModalWidget()
        next(button for button in box.buttons() if box.buttonRole(button) == role).click()

    QTimer.singleShot(50, press)


@pytest.mark.parametrize(
    ("role", "answered"),
    [(QMessageBox.ButtonRole.AcceptRole, True), (QMessageBox.ButtonRole.RejectRole, False)],
)
def test_the_answer_is_that_of_the_pressed_button(role, answered, qtbot):
    answer(role)

    assert agreed(question("Title", "Do it?", "More", "Do")) == answered


def test_the_question_shows_plain_text_and_agrees_by_enter(qtbot):
    box = question("Title", "<b>Do it?</b>", "More", "Do")
    qtbot.addWidget(box)

    assert (box.text(), box.informativeText()) == ("<b>Do it?</b>", "More")
    assert box.textFormat().name == "PlainText"
    assert box.defaultButton().text() == "Do"
