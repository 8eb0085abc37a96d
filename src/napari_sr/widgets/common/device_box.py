"""Asks where to compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.widgets.common.names_box import NamesBox

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


class DeviceBox(NamesBox):
    """A list of devices, which is filled once they are known, without becoming wider."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItem("automatic", "auto")
        self.setToolTip("Where the network runs; automatic takes a GPU if there is one.")

    def offer(self, devices: list[tuple[str, str]]) -> None:
        """List devices; the first one is what "automatic" takes."""
        self.setItemText(0, f"automatic ({devices[0][1]})")
        for name, description in devices:
            self.addItem(f"{name}: {description}", name)

    def device(self) -> str:
        """Return the chosen one, as `napari_sr.engine.planning.devices.available` names it."""
        return str(self.currentData())


def available_devices() -> Any:
    """Return the devices here: for a worker, since it brings torch."""
    from napari_sr.engine.planning.devices import available

    return available()
