from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from napari_sr.widgets.common.rows import add_rows, beside, takes_tab


def test_a_label_leads_to_the_first_field_of_its_row_that_the_keyboard_reaches(qtbot):
    form, row, note, field = QWidget(), QWidget(), QLabel("note"), QLineEdit()
    qtbot.addWidget(form)
    inside = QHBoxLayout(row)
    inside.addWidget(note)
    inside.addWidget(field)
    layout = QFormLayout(form)

    add_rows(layout, [("Size", row), ("", QLabel("below"))])

    assert layout.labelForField(row).buddy() is field
    assert field.accessibleName() == "Size"
    assert layout.rowCount() == 2
    assert not takes_tab(note) and takes_tab(field)


def test_the_first_of_two_widgets_gets_the_remaining_width(qtbot):
    wide, narrow = QLineEdit(), QPushButton("x")
    row = beside(wide, narrow)
    qtbot.addWidget(row)
    row.resize(600, 40)
    row.show()

    assert narrow.width() == narrow.sizeHint().width()
    assert wide.width() > 400
