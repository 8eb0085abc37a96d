"""Print the changelog's section of a version, for the release: `notes.py VERSION [--dated]`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
PAGES = "https://github.com/napari-sr/napari-sr/blob/v{}/docs/"


def notes(changelog: str, version: str, *, dated: bool) -> str:
    """Return the text below a version's heading, with addresses instead of paths.

    Parameters
    ----------
    changelog : str
        The whole changelog.
    version : str
        The version, such as "0.1.0".
    dated : bool
        Whether the heading must have a date, because the version is being published.

    Raises
    ------
    ValueError
        If there is no such heading.
    """
    when = r"\d{4}-\d\d-\d\d" if dated else r"[^)\n]+"
    heading = rf"^## {re.escape(version)} \({when}\)\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.DOTALL | re.MULTILINE)
    if found is None:
        wanted = "the date of publication" if dated else "a date or a remark"
        raise ValueError(f"CHANGELOG.md needs the heading '## {version} (...)' with {wanted}")
    return found[1].strip().replace("](docs/", f"]({PAGES.format(version)}") + "\n"


if __name__ == "__main__":
    text = CHANGELOG.read_text(encoding="utf-8")
    sys.stdout.write(notes(text, sys.argv[1], dated="--dated" in sys.argv[2:]))
