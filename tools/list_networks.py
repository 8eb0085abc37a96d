"""Count parameters and operations of every published network; update networks.json and the README.

    python tools/list_networks.py

Run it after you add or change a network, and commit the changed files.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from napari_sr.cli.models import network_row
from napari_sr.zoo import survey
from napari_sr.zoo.networks import published

README = Path(__file__).parents[1] / "README.md"
TABLE = re.compile(r"(?<=\n)(\| network \| year \|.*\n\|[-| ]+\|\n)(?:\|.*\n)*")
"""Matches the table of networks: two lines of headings, then a row for each network."""


def rows() -> list[str]:
    """Return a row for each published network with weights, the earliest first."""
    found = []
    for one in published():
        if one.image != "any":
            name, *cells, _ = network_row(one)
            found.append(f"| [{name}]({one.paper}) | {' | '.join(cells)} |\n")
    return found


def updated(readme: str) -> str:
    """Return the README's text with the current rows in its table of networks."""
    return TABLE.sub(lambda match: match[1] + "".join(rows()), readme)


if __name__ == "__main__":
    names = survey.write()
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"counted {', '.join(names)}; updated networks.json and README.md\n")
