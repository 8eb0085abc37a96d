"""Link the napari manifest into the package where an editable install will look for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManifestHook(BuildHookInterface[Any]):
    """A wheel takes the manifest by force-include; an editable install needs it in the tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Link `napari.yaml`, or copy it where links are not allowed."""
        if version != "editable":
            return
        link = Path(self.root, "src", "napari_sr", "napari.yaml")
        link.unlink(missing_ok=True)
        try:
            link.symlink_to(Path("..", "..", "napari.yaml"))
        except OSError:
            shutil.copyfile(Path(self.root, "napari.yaml"), link)
