"""How large must an image be for the advice? Advice on crops of the images of `advice.py`, x2.

    python benchmarks/quality/advice_crops.py DATA --real FOLDER --write FILE

DATA and FOLDER are those of `advice.py`. Each image is upscaled whole by all models; `--keep FILE`
takes what `advice.py` has measured. Then `advise`
sees only its middle, a square of a given side. As in `advice.py`, a case is decided if the best two
models differ by more than 0.5 dB for the whole image, and the advice is a hit if its model is
within 0.5 dB of the best. The last column is for whole images: 128 px for made images; 60 to 512 px
for real ones. `--every 4` takes a fourth of the cases, and a fourth of the time for advice. The
weights of the forecasts are those that ship, which saw these images.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import napari_sr
from napari_sr.advice.advise import advise

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
import advice  # the path comes first
from advice_fit import GAP, MODELS, Case
from advice_kept import Kept
from commit import commit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from napari_sr.graph.network import Network

SIDES = (24, 32, 48, 64, 96, 128)
"""Sides of crops in pixels of the LR image."""


@dataclass(frozen=True)
class Scored:
    """An LR image, and what was measured for all of it."""

    small: NDArray[Any]
    values: tuple[float, float]
    """Black and white."""
    case: Case

    def hit(self, side: int | None) -> bool:
        """Return whether the advice on the middle of the image is right; None for all of it."""
        height, width = self.small.shape
        side = max(height, width) if side is None else side
        top, left = (max(size - side, 0) // 2 for size in (height, width))
        crop = self.small[top : top + side, left : left + side]
        model = advise(crop, value_range=self.values).model.removesuffix("-x2")
        return self.case.loss(model) <= GAP


def table(found: Iterable[Scored]) -> list[str]:
    """Return lines of Markdown: the hit rates by side, for made and for real images."""
    decided = [one for one in found if one.case.decided]
    lines = [f"| images | decided | {' | '.join(f'{side} px' for side in SIDES)} | whole |",
             "|---" * (len(SIDES) + 3) + "|"]  # fmt: skip
    for name, real in (("made", False), ("real microscopy", True)):
        here = [one for one in decided if one.case.real is real]
        if here:
            rates = [np.mean([one.hit(side) for one in here]) for side in (*SIDES, None)]
            lines.append(f"| {name} | {len(here)} | {' | '.join(f'{one:.0%}' for one in rates)} |")
    return lines


def main() -> None:
    """Read the command line; print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with Set5, Set14 and train/BSDS500_train")
    parser.add_argument("--real", type=Path, help="folder with the packages of real_images.py")
    parser.add_argument("--made", type=int, help="number of synthetic images; by default, all")
    parser.add_argument("--keep", type=Path, help="file that keeps what advice.py measured")
    parser.add_argument("--every", type=int, default=1, help="use every N-th case")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    networks = {name: napari_sr.load(name, 2) for name in MODELS}
    kept = Kept(given.keep, advice.case)

    def scored(
        about: tuple[str, str, bool],
        small: NDArray[Any],
        truth: NDArray[np.float64],
        values: tuple[float, float],
        networks: Mapping[str, Network],
        *,
        apart: bool = True,
    ) -> Scored:
        found = kept.case(about, small, truth, values, networks, apart=apart)
        return Scored(small, values, found)

    found = list(advice.made_cases(given.data, networks, scored, given.made))
    if given.real is not None:
        found += advice.real_cases(given.real, networks, scored)
    about = (
        f"`python benchmarks/quality/advice_crops.py DATA --real FOLDER`, commit {commit()}, "
        f"{platform.machine()} CPU, {time.strftime('%Y-%m-%d')}. The script explains the columns."
    )
    text = "\n".join(
        [
            "# How large must an image be for the advice?",
            "",
            about,
            "",
            *table(found[:: given.every]),
        ]
    )
    if given.write is None:
        print(text)
    else:
        given.write.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
