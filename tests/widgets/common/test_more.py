import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QWidget

from napari_sr.widgets.common.more import More


@pytest.fixture
def form(qtbot):
    """Return a form with a line, a row above it and two rows that the line hides."""
    form = QWidget()
    form.more, form.above, form.first = More(), QLineEdit(), QLineEdit()
    form.inner, form.second = QLineEdit(), QWidget()
    QHBoxLayout(form.second).addWidget(form.inner)
    rows = QFormLayout(form)
    rows.addRow("Above", form.above)
    rows.addRow(form.more)
    rows.addRow("First", form.first)
    rows.addRow("Second", form.second)
    form.more.hold(rows, [form.first, form.second])
    qtbot.addWidget(form)
    form.show()
    return form


def test_its_rows_and_their_labels_are_hidden_until_it_is_opened(form, qtbot):
    label = form.layout().labelForField(form.first)
    closed = form.first.isVisible(), form.inner.isVisible(), label.isVisible()

    qtbot.mouseClick(form.more.button, Qt.MouseButton.LeftButton)

    assert closed == (False, False, False)
    assert form.first.isVisible() and form.inner.isVisible() and label.isVisible()
    assert form.above.isVisible()


def test_the_keyboard_opens_and_closes_it(form, qtbot):
    told = []
    form.more.toggled.connect(told.append)
    form.more.button.setFocus()

    qtbot.keyClick(form.more.button, Qt.Key.Key_Space)
    qtbot.keyClick(form.more.button, Qt.Key.Key_Space)

    assert told == [True, False]
    assert not form.first.isVisible()


def test_its_name_says_what_a_press_does(form):
    before = form.more.button.accessibleName()

    form.more.open()

    assert (before, form.more.button.accessibleName()) == ("More settings", "Hide more settings")


def test_it_knows_its_fields(form):
    assert form.more.holds(form.first)
    assert form.more.holds(form.inner)
    assert not form.more.holds(form.above)


def test_differences_are_named_and_can_be_reset(form, qtbot):
    assert not form.more.defaults.isVisible()

    form.more.say(["precision float16", "mean of eight views"])

    assert form.more.differences.text() == "Precision float16, mean of eight views"
    with qtbot.waitSignal(form.more.reset, timeout=1000):
        qtbot.mouseClick(form.more.defaults, Qt.MouseButton.LeftButton)
    form.more.say([])
    assert not form.more.defaults.isVisible()
