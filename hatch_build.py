"""Two hooks of the build: the manifest of an editable install, and the README of a package index.

PyPI and the napari hub show the README without the repository, so its links need addresses.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

REPOSITORY = "napari-sr/napari-sr"
_TARGET = re.compile(r"(!?)(\[[^\]]*\])\((?!https?:|mailto:|#)([^)\s]+)\)")
"""A link or a picture (with "!") whose target is a path in the repository."""


def with_addresses(readme: str, version: str) -> str:
    """Return the README with links to the files of a release instead of relative paths.

    Parameters
    ----------
    readme : str
        Markdown.
    version : str
        The release, whose tag is "v" and the version.
    """
    pictures = f"https://raw.githubusercontent.com/{REPOSITORY}/v{version}/"
    pages = f"https://github.com/{REPOSITORY}/blob/v{version}/"
    return _TARGET.sub(
        lambda found: f"{found[1]}{found[2]}({pictures if found[1] else pages}{found[3]})", readme
    )


class ReadmeHook(MetadataHookInterface):
    """Give the package's metadata a README that can be read anywhere."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README; the version is already known."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_addresses(readme, metadata["version"]),
        }


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
