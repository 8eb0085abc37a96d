"""The pictures of the docs show the forms of today, are small, and are used."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from difflib import unified_diff
from pathlib import Path

import pytest
from forms import PATIENCE
from PIL import Image
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget
from superqt.utils import WorkerBase

from napari_sr.widgets.common.icons import give_icon

ROOT = Path(__file__).parents[2]
IMAGES = sorted((ROOT / "docs" / "images").iterdir())
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LARGEST = 150_000
"""Largest number of bytes of a picture."""


def _tool():
    spec = importlib.util.spec_from_file_location(
        "draw_pictures", ROOT / "tools" / "draw_pictures.py"
    )
    sys.path.append(str(ROOT / "tools"))  # it imports its neighbour
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _tool()


@pytest.fixture
def outlines(qtbot):
    """Return the function that draws up forms, and wait for what they ask in threads."""
    yield tool.outlines
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


@pytest.mark.parametrize("name", tool.PICTURES)
def test_a_picture_shows_the_forms_of_today(name, outlines):
    known = json.loads(Image.open(ROOT / "docs" / "images" / f"{name}.png").text[tool.OUTLINE])

    now = outlines(tool.PICTURES[name].forms)

    changed = [
        line
        for form in {*known, *now}
        for line in unified_diff(known.get(form, []), now.get(form, []), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    assert changed == [], (
        f"docs/images/{name}.png shows a form that has changed: run `make pictures`, look at the "
        "pictures, and commit them"
    )


@pytest.fixture
def row(qtbot):
    """Return a row with a text, and a button with an icon."""
    row = QWidget()
    qtbot.addWidget(row)
    layout = QHBoxLayout(row)
    button = QPushButton("Run")
    give_icon(button, "run")
    layout.addWidget(QLabel("Takes 0.25 s"))
    layout.addWidget(button)
    return row


def test_an_outline_names_texts_and_icons_in_the_order_of_the_layout(row):
    first, second = tool.outline(row)

    assert first == "QLabel: Takes # s"
    assert re.fullmatch(r"QPushButton: Run \| icon run [0-9a-f#]+", second)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.layout().itemAt(1).widget().setText("Start"),
        lambda row: give_icon(row.layout().itemAt(1).widget(), "stop"),
        lambda row: row.layout().itemAt(1).widget().hide(),
        lambda row: row.layout().addWidget(QLabel("new")),
        lambda row: row.layout().insertWidget(0, row.layout().itemAt(1).widget()),
    ],
    ids=["text", "icon", "hidden", "added", "moved"],
)
def test_a_change_is_seen_in_the_outline(row, change):
    before = list(tool.outline(row))

    change(row)

    assert list(tool.outline(row)) != before


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_an_image_is_small_and_used(path):
    texts = [page.read_text(encoding="utf-8") for page in PAGES]

    assert path.stat().st_size <= LARGEST
    assert any(f"images/{path.name})" in text for text in texts)


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http", "mailto")):
            continue
        name, _, anchor = target.partition("#")
        other = page if not name else (page.parent / name).resolve()
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), target


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")

    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name
