"""Collect the pages of the documentation's site in a folder: `site_pages.py FOLDER`.

The folder mirrors the repository, so links between pages keep working. Links to other files lead to
GitHub. The API reference is written from the names that the package exports.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GITHUB = "https://github.com/napari-sr/napari-sr/blob/main/"
PAGES = [
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("benchmarks/**/*.md")),
]  # fmt: skip
"""The pages, relative to the repository's root."""
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)((?:#[^)\s]*)?)\)")
"""A link to a file of the repository, and an anchor."""
REFERENCE = """\
# Python reference

`import napari_sr` gives the functions below; they import PyTorch only when they need it.
The [guide](guide.md) explains what their options mean.
"""


def main(folder: Path) -> None:
    """Write all pages and pictures into a folder."""
    for name in PAGES:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8")
        target.write_text(with_links(text, Path(name).parent), encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "images", folder / "docs" / "images")
    (folder / "docs" / "api.md").write_text(reference(), encoding="utf-8")


def with_links(text: str, folder: Path) -> str:
    """Return a page whose links to files that are no pages lead to GitHub.

    Parameters
    ----------
    text : str
        Markdown.
    folder : Path
        The page's folder, relative to the repository's root.
    """

    def link(found: re.Match[str]) -> str:
        name = os.path.normpath(folder / found[1])
        kept = name in PAGES or name.startswith("docs/images/")
        return found[0] if kept else f"]({GITHUB}{name}{found[2]})"

    return LINK.sub(link, text)


def reference() -> str:
    """Return the page of the API reference: an entry for each public function."""
    tree = ast.parse((ROOT / "src" / "napari_sr" / "__init__.py").read_text(encoding="utf-8"))
    homes = {
        alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("napari_sr.")
        for alias in node.names
    }
    entries = (
        f"## napari_sr.{name}\n\n::: {homes[name]}\n    options:\n      show_root_heading: false\n"
        "      show_root_toc_entry: false\n"
        for name in sorted(homes)
    )
    return "\n".join([REFERENCE, *entries])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
