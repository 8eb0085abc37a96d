"""What the README says of the models is what the registry says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from napari_sr.cli import models as listing
from napari_sr.zoo.networks import published
from napari_sr.zoo.registry import entries

README = Path(__file__).parents[1] / "README.md"


def rows():
    """Return the table's lines, one for each family, from the registry."""
    families = {}
    for entry in entries():
        families.setdefault(entry.family, []).append(entry)
    for family, members in families.items():
        title = members[0].title.rpartition(" x")[0]
        cells = [
            f"`{family}`",
            title,
            ", ".join(f"x{entry.scale}" for entry in members),
            " / ".join(f"{entry.parameters:,}" for entry in members)
            if len({entry.parameters for entry in members}) > 1
            else f"{members[0].parameters:,}",
            members[0].licence,
            " / ".join(
                "-" if (db := entry.psnr_set5) is None else f"{db:.2f}" for entry in members
            ),
            "computed"
            if members[0].computed
            else ("ships" if members[0].url is None else "downloaded on first use"),
        ]
        yield "| " + " | ".join(cells) + " |"


@pytest.mark.parametrize("row", rows())
def test_the_table_of_models_is_true(row):
    assert row in README.read_text().splitlines()


def network_rows():
    """Return the table's lines, one for each network with weights, from what was counted."""
    for one in published():
        if one.image != "any":
            name, *cells, _ = listing.network_row(one)
            yield f"| [{name}]({one.paper}) | {' | '.join(cells)} |"


@pytest.mark.parametrize("row", network_rows())
def test_the_table_of_networks_is_true(row):
    assert row in README.read_text().splitlines()


def test_the_table_of_networks_has_no_others():
    _, _, table = README.read_text().partition("| network | year |")

    assert table.partition("\n\n")[0].splitlines()[2:] == list(network_rows())


def test_the_tool_replaces_all_rows_and_nothing_else():
    tool = runpy.run_path(str(README.parent / "tools" / "list_networks.py"))
    readme = README.read_text(encoding="utf-8")
    rows = tool["rows"]()

    assert tool["updated"](readme) == readme
    assert tool["updated"](readme.replace(rows[0], "| old |\n| rows |\n")) == readme
