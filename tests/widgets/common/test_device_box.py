from __future__ import annotations

from napari_sr.widgets.common.device_box import DeviceBox, available_devices


def test_automatic_names_the_first_device(qtbot):
    box = DeviceBox()
    qtbot.addWidget(box)

    box.offer([("cuda:0", "NVIDIA H100"), ("cpu", "CPU, 16 threads")])

    assert box.itemText(0) == "automatic (NVIDIA H100)"
    assert [box.itemData(i) for i in range(3)] == ["auto", "cuda:0", "cpu"]


def test_the_chosen_device_is_what_the_engine_calls_it(qtbot):
    box = DeviceBox()
    qtbot.addWidget(box)
    box.offer(available_devices())
    before = box.device()

    box.setCurrentIndex(box.count() - 1)

    assert (before, box.device()) == ("auto", "cpu")
