"""Add a trained network to the weights that ship with the package.

    python -m napari_sr.training.ship runs/fsrcnn-x3/fsrcnn-x3.safetensors --sets DATA

The network is scored on Set5 and Set14, which must not be among the training data; both sets are
degraded like the training images. The scores are written into the card of the file, and the
registry of known models is updated.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.evaluation.benchmark import evaluate
from napari_sr.evaluation.sets import LARGE, ImageSet
from napari_sr.loading import load
from napari_sr.training import recipe
from napari_sr.training.checkpointing import export
from napari_sr.training.data.folder import Reading, of_folder
from napari_sr.training.data.training_data import TrainingData, pairs_of
from napari_sr.training.finetuning.preview import HeldOut
from napari_sr.zoo import card as cards
from napari_sr.zoo.checkpoint import read_checkpoint
from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.update_registry import update_registry

if TYPE_CHECKING:
    from napari_sr.graph.network import Network

SETS = ("Set5", "Set14")
SCORES = tuple(f"psnr_{name.lower()}" for name in SETS)
"""Prefixes of the card's score keys."""
USUAL = "bicubic"
"""The degradation that papers use."""
LICENCE = "BSD-3-Clause"

logger = logging.getLogger(__name__)


def card_of(path: Path) -> dict[str, Any]:
    """Return the card of a trained network.

    Raises
    ------
    ValueError
        If the file has no card.
    """
    card = cards.card_of(path)
    if "scale" not in card:
        raise ValueError(f"{path} must be a trained network: it has no card with a scale")
    return card


def ship(path: Path, sets: Path, target: Path) -> dict[str, Any]:
    """Score a trained network, write it with the scores in its card, and return the card.

    Parameters
    ----------
    path : Path
        The file that `train` wrote.
    sets : Path
        The folder that contains Set5 and Set14.
    target : Path
        The file to write.

    Raises
    ------
    ValueError
        If the file is not a trained network.
    """
    card = card_of(path)
    network = load(path)
    for name in SETS:
        card.update(_scores(network, card, sets / name))
    card["licence"] = LICENCE
    export(target, read_checkpoint(path), card)
    return card


def _scores(network: Network, card: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Score a network on one set, as papers do or with the degradation of its training."""
    table = card.get("recipe")
    config = None if table is None else recipe.parse(table, "the card's recipe")
    key = f"psnr_{folder.name.lower()}"
    if config is None or config.data.degradation.kind == USUAL:
        return {f"{key}_luma": round(evaluate(network, ImageSet(folder)).psnr, 3)}
    hr = next((folder / name for name in LARGE if (folder / name).is_dir()), folder)
    pictures = of_folder(hr, Reading(config.data.value_range, config.data.grey))
    whole = replace(config, data=replace(config.data, validation_size=0))
    pairs = pairs_of(
        TrainingData([], pictures), whole, network.channels, takes_noise=network.takes_noise
    )
    held_out = HeldOut(pairs, network.scale)
    kind = config.data.degradation.kind
    return {
        f"{key}_{kind}": round(held_out.judgement(network).psnr, 3),
        f"{key}_{kind}_bicubic": round(held_out.bicubic, 3),
    }


def main() -> None:
    """Read the command line, write the shipped file and update the registry."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path, help="file of the trained network")
    parser.add_argument("--sets", type=Path, required=True, help="folder with Set5/ and Set14/")
    parser.add_argument("--name", help="name of the shipped weights (default: the file's name)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    target = SHIPPED / f"{given.name or given.result.stem}.safetensors"
    card = ship(given.result, given.sets, target)
    scores = ", ".join(f"{key} {card[key]:.2f} dB" for key in card if key.startswith(SCORES))
    logger.info("%s: %s; updated %s", target, scores, ", ".join(update_registry()))


if __name__ == "__main__":
    main()
