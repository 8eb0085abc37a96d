from __future__ import annotations

from napari_sr.widgets.common.names_box import NamesBox


def test_a_long_name_does_not_widen_what_it_stands_in(qtbot):
    box = NamesBox()
    qtbot.addWidget(box)
    box.addItem("short")
    before = box.sizeHint().width(), box.minimumSizeHint().width()

    box.addItem("a name as long as some microscopes write " * 5)
    box.setCurrentIndex(1)

    assert (box.sizeHint().width(), box.minimumSizeHint().width()) == before


def test_it_tells_before_the_list_is_shown(qtbot):
    box = NamesBox()
    qtbot.addWidget(box)
    box.opening.connect(lambda: box.addItem("just in time"))

    box.showPopup()

    assert box.count() == 1
    box.hidePopup()
