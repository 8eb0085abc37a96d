"""The page on benchmarks lists every file."""

from __future__ import annotations

from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_the_page_lists_every_command_and_shared_module():
    page = (BENCHMARKS / "README.md").read_text(encoding="utf-8")

    assert [str(file) for file in BENCHMARKS.rglob("*.py") if file.name not in page] == []
