"""What the README says of the models is what the registry says."""

from __future__ import annotations

from pathlib import Path

import pytest

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
            " / ".join(f"{entry.psnr_set5:.2f}" for entry in members),
            "computed"
            if members[0].computed
            else ("ships" if members[0].url is None else "downloaded on first use"),
        ]
        yield "| " + " | ".join(cells) + " |"


@pytest.mark.parametrize("row", rows())
def test_the_table_of_models_is_true(row):
    assert row in README.read_text().splitlines()
