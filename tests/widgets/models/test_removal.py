from __future__ import annotations

from pathlib import Path

import pytest

from napari_sr.widgets.common import question as questions
from napari_sr.widgets.models.removal import may_remove, question


def test_the_question_names_the_files(qtbot):
    box = question([Path("a.pth")])
    qtbot.addWidget(box)

    assert box.text() == "Delete this file?"
    assert "a.pth" in box.informativeText()


def test_many_files_are_counted(qtbot):
    box = question([Path(f"{number}.pth") for number in range(8)])
    qtbot.addWidget(box)

    assert box.text() == "Delete these 8 files?"
    assert "5.pth\nand 2 more" in box.informativeText()
    assert "6.pth" not in box.informativeText()


@pytest.mark.parametrize("answer", [True, False])
def test_the_answer_is_passed_on(answer, monkeypatch, qtbot):
    asked = []
    monkeypatch.setattr(questions, "agreed", lambda box: asked.append(box) or answer)

    assert may_remove([Path("a.pth")]) == answer
    qtbot.addWidget(asked[0])
