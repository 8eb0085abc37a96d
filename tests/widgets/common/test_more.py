import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_sr.widgets.common.more import More


@pytest.fixture
def form(qtbot):
    """Return a form with a line, a row above it and two rows that the line hides."""
    form = QWidget()
    form.more, form.above, form.first = More(), QLineEdit(), QLineEdit()
    form.inner, form.second = QLineEdit(), QWidget()
    QHBoxLayout(form.second).addWidget(form.inner)
    outside = QVBoxLayout(form)
    form.rows = rows = QFormLayout()
    outside.addLayout(rows)
    rows.addRow("Above", form.above)
    rows.addRow(form.more)
    form.more.hold(rows, [("First", form.first), ("Second", form.second)])
    form.last = QLineEdit()
    outside.addWidget(form.last)
    qtbot.addWidget(form)
    form.show()
    return form


def test_its_rows_and_their_labels_are_hidden_until_it_is_opened(form, qtbot):
    closed = form.first.isVisibleTo(form), form.inner.isVisibleTo(form)

    qtbot.mouseClick(form.more.button, Qt.MouseButton.LeftButton)
    label = form.rows.labelForField(form.first)
    opened = form.first.isVisible(), form.inner.isVisible(), label.isVisible()
    qtbot.mouseClick(form.more.button, Qt.MouseButton.LeftButton)

    assert closed == (False, False)
    assert opened == (True, True, True)
    assert not (form.first.isVisible() or form.inner.isVisible() or label.isVisible())
    assert form.above.isVisible()


def test_a_field_keeps_its_value_when_it_joins_the_form(form):
    form.first.setText("before")

    form.more.open()
    form.more.open(False)
    form.more.open()

    assert (form.first.text(), form.first.window()) == ("before", form)


def test_the_tab_key_comes_to_its_fields_before_those_below(form, qtbot):
    form.more.open()
    stops, at = [], form.more.button
    while at is not form.last:
        at = at.nextInFocusChain()
        stops += [at] * (at in (form.first, form.inner, form.last))

    assert stops == [form.first, form.inner, form.last]


def test_fields_that_were_never_shown_end_with_the_form(qtbot):
    form = QWidget()
    rows, more, field = QFormLayout(form), More(), QLineEdit()
    rows.addRow(more)
    more.hold(rows, [("Field", field)])
    ended = []
    field.destroyed.connect(lambda: ended.append(True))

    form.deleteLater()

    qtbot.waitUntil(lambda: ended == [True])


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
