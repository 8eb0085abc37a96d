"""Make a training's result one of the weights that ship.

    python -m napari_sr.training.ship runs/fsrcnn-x3/fsrcnn-x3.safetensors --sets ../shared/data

It is judged on Set5 and Set14, of which nothing may have been learnt, and what it reached is
written on its card; then the registry is sealed.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from napari_sr import api
from napari_sr.evaluation.benchmark import evaluate
from napari_sr.evaluation.sets import ImageSet
from napari_sr.training.state import export
from napari_sr.zoo import trained
from napari_sr.zoo.checkpoint import read_checkpoint
from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.seal import seal

SETS = ("Set5", "Set14")
LICENCE = "BSD-3-Clause"

logger = logging.getLogger(__name__)


def card_of(path: Path) -> dict[str, Any]:
    """Return the card that a training wrote into its result.

    Raises
    ------
    ValueError
        If the file has none.
    """
    card = trained.card_of(path)
    if "scale" not in card:
        raise ValueError(f"{path} must be the result of a training, whose card tells the scale")
    return card


def ship(path: Path, sets: Path, target: Path) -> dict[str, Any]:
    """Judge a result and write it with its card; return the card.

    Parameters
    ----------
    path : Path
        What `train` returned.
    sets : Path
        In which the folders Set5 and Set14 are.
    target : Path
        The file to write.

    Raises
    ------
    ValueError
        If the file is no training's result.
    """
    card = card_of(path)
    network = api.load(path)
    for name in SETS:
        table = evaluate(network, ImageSet(sets / name))
        card[f"psnr_{name.lower()}_luma"] = round(table.psnr, 3)
    card["licence"] = LICENCE
    export(target, read_checkpoint(path), card)
    return card


def main() -> None:
    """Read the command line, ship and seal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path, help="the file that a training left")
    parser.add_argument("--sets", type=Path, required=True, help="folder with Set5/ and Set14/")
    parser.add_argument("--name", help="its name among the weights (default: the file's)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    target = SHIPPED / f"{given.name or given.result.stem}.safetensors"
    card = ship(given.result, given.sets, target)
    scores = ", ".join(f"{name} {card[f'psnr_{name.lower()}_luma']:.2f} dB" for name in SETS)
    logger.info("%s: %s; sealed %s", target, scores, ", ".join(seal()))


if __name__ == "__main__":
    main()
