"""The field for the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.widgets.common.names_box import NamesBox
from napari_sr.widgets.common.preferences import preference

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


class DeviceBox(NamesBox):
    """A list of devices. It is filled once the devices are known, and keeps its width."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItem("automatic", "auto")
        self.setToolTip("Where the network runs. Automatic uses a GPU if there is one.")

    def offer(self, devices: list[tuple[str, str]]) -> None:
        """List devices; "automatic" stands for the first of them."""
        self.setItemText(0, f"automatic ({devices[0][1]})")
        for name, description in devices:
            self.addItem(f"{name}: {description}", name)
        if self.currentIndex() == 0:
            self.use_default()

    def use_default(self) -> None:
        """Choose the preferred device if this machine has it, or else "automatic"."""
        preferred = self.findData(preference("upscaling", "device", "auto"))
        self.setCurrentIndex(max(preferred, 0))

    def device(self) -> str:
        """Return the chosen device, as `napari_sr.engine.planning.devices.available` names it."""
        return str(self.currentData())


def available_devices() -> Any:
    """Return the devices of this machine. Call it in a worker, because it imports torch."""
    from napari_sr.engine.planning.devices import available

    return available()
