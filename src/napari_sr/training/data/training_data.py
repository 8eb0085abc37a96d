"""Training data: crops to learn from, and held-out pairs for validation.

Symbols: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_sr.training.build import make, named
from napari_sr.training.data.folder import Reading, files_of, of_folder
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.pictures import middle
from napari_sr.training.data.synthetic import SyntheticImages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_sr.training.config import Config, Data
    from napari_sr.training.data.degradation import Degradation
    from napari_sr.training.data.pictures import Picture


@dataclass(frozen=True)
class TrainingData:
    """Pictures for training, and held-out pictures for validation."""

    learnt: Sequence[Picture]
    held_out: Sequence[Picture] = ()
    recorded: Mapping[str, Picture] | None = None
    """Recorded LR pictures, by the names of their HR pictures; None if a degradation computes LR
    pictures."""

    def recorded_of(self, pictures: Sequence[Picture]) -> list[Picture] | None:
        """Return the recorded LR pictures of these HR pictures; None if none are recorded."""
        return None if self.recorded is None else [self.recorded[one.name] for one in pictures]


def of_folders(data: Data, folder: Path) -> TrainingData:
    """Read a recipe's folders, and hold out some files, each with all its planes and sizes.

    Parameters
    ----------
    data : Data
        The recipe's settings.
    folder : Path
        The folder that contains the recipe's folders.

    Raises
    ------
    ValueError
        If a folder is missing, is empty or has a broken image; if all files would be held out; or
        if an image has no recorded LR image of the same name.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give a folder of images (unpack archives)")
    if not folder.is_dir():
        raise ValueError(f"there is no folder of training images {folder}")
    places = [_place(folder, name) for name in data.folders]
    files = [file for place in places for file in files_of(place)]
    if data.validation >= len(files):
        raise ValueError(
            f"data.validation holds out {data.validation} files, but there are only {len(files)} "
            f"in {', '.join(map(str, places))}"
        )
    held = {files[(2 * k + 1) * len(files) // (2 * data.validation)]
            for k in range(data.validation)}  # fmt: skip
    reading = Reading(data.value_range, data.grey, data.sizes)
    pictures = [picture for place in places for picture in of_folder(place, reading)]
    learnt = [one for one in pictures if not _is_of(one, held)]
    at_full_size = replace(reading, sizes=(1.0,))
    judged = [picture for file in sorted(held) for picture in of_folder(file, at_full_size)]
    if data.recorded:
        return TrainingData(learnt, judged, _recorded(data, folder, pictures))
    others = min(8, data.synthetic // 8) if data.validation else 0
    return TrainingData(
        learnt + SyntheticImages(data.synthetic).pictures(),
        judged + SyntheticImages(others, seed=1).pictures(),
    )


def _recorded(data: Data, folder: Path, pictures: Sequence[Picture]) -> dict[str, Picture]:
    """Return the recorded LR pictures, by the names of their HR pictures."""
    for hr, lr in zip(data.folders, data.recorded, strict=True):
        wanted, found = ({file.stem: file for file in files_of(_place(folder, name))}
                         for name in (hr, lr))  # fmt: skip
        alone = sorted(wanted.keys() ^ found.keys())
        if alone:
            file = wanted.get(alone[0], found.get(alone[0]))
            other = _place(folder, lr if alone[0] in wanted else hr)
            raise ValueError(f"{other} must contain an image named like {file}, but has none")
    reading = Reading(data.value_range, data.grey)
    places = [_place(folder, name) for name in data.recorded]
    lrs = [picture for place in places for picture in of_folder(place, reading)]
    if len(lrs) != len(pictures):
        raise ValueError(
            f"an image must have as many planes as its LR image, got {len(pictures)} in "
            f"{', '.join(data.folders)} and {len(lrs)} in {', '.join(data.recorded)}"
        )
    return {hr.name: lr for hr, lr in zip(pictures, lrs, strict=True)}


def _place(folder: Path, name: str) -> Path:
    """Return the path of a recipe's folder `name`: relative to `folder`, absolute, or with "~"."""
    return folder / os.path.expanduser(name)


def _is_of(picture: Picture, files: Iterable[Path]) -> bool:
    """Return whether a picture is a plane of one of the files, at any size."""
    return any(
        picture.name == str(file) or picture.name.startswith((f"{file} at ", f"{file}, "))
        for file in files
    )


def degradation_of(data: Data) -> Degradation:
    """Return the degradation of a recipe.

    Raises
    ------
    ValueError
        If there is no such degradation, or an option is wrong.
    """
    key = "data.degradation"
    kind = named("napari_sr.training.data", "DEGRADATION", data.degradation.kind, f"{key}.kind")
    degradation: Degradation = make(kind, data.degradation, key)
    return degradation


def pairs_of(
    training_data: TrainingData,
    config: Config,
    channels: int,
    multiple: int = 1,
    takes_noise: bool = False,
) -> list[tuple[Tensor, Tensor]]:
    """Return the validation pairs, (C, H, W) and (C, S * H, S * W); every call returns the same.

    H and W are multiples of `multiple`, because some networks need that.
    """
    if not training_data.held_out:
        return []
    most = config.data.validation_size // config.scale
    lr = training_data.recorded_of(training_data.held_out) or degradation_of(config.data)
    pairs = Pairs(
        training_data.held_out,
        lr,
        scale=config.scale,
        channels=channels,
        full_range=config.data.grey,
        takes_noise=takes_noise,
    )
    found: list[tuple[Tensor, Tensor]] = []
    for index in range(len(pairs)):
        rows, columns = (middle(size, most, multiple) for size in pairs.size(index))
        random = np.random.default_rng((config.run.seed, index))
        found.append(pairs.window(index, rows, columns, random))
    return found
