"""The page that says which files open is true."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
if find_spec("spandrel") is None:
    pytest.skip("spandrel is not installed: the extra `spandrel`", allow_module_level=True)


@pytest.fixture
def what_opens(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    sys.modules.pop("what_opens", None)
    import what_opens

    return what_opens


@pytest.mark.filterwarnings("ignore")
def test_every_row_of_the_page_says_what_happens_now(what_opens):
    page = what_opens.PAGE.read_text(encoding="utf-8")

    # `python tools/what_opens.py` writes it again
    assert what_opens.stale(page, what_opens.tables(None)) == []


def test_a_row_that_is_wrong_or_missing_is_named(what_opens):
    rows = {("Files", "a"): ["**exact**"], ("Files", "b"): ["refused: x"], ("Files", "c"): ["d"]}
    page = "| a | refused: y | **exact** |\n| b | **exact** | refused: y |\n"

    assert what_opens.stale(page, rows) == ["b", "c"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (["exact", "EDSR", 3, False], "**exact**"),
        (["exact", "ESRGAN", 1, True], "**exact**; gets grey as it is"),
        (["guess", "X (spandrel)", 1, False], "by spandrel, not exact; gets luma"),
        (["refused", "/tmp/a.pth is a GIF | image"], "refused: is a GIF / image"),
        (["refused", "a checkpoint must match one network; ..."], "refused: matches no network"),
    ],
)
def test_a_cell_says_how_a_file_opens(what_opens, found, words):
    assert what_opens.in_words(found, Path("/tmp/a.pth")) == words
