"""Held-out parts of noisy images: pairs, scores and pictures.

Symbols: C channels, H x W pixels of the source, S scale.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.engine.image.arrays import layout_of
from napari_sr.layers.resize import imresize
from napari_sr.training.checkpointing import export
from napari_sr.training.data.training_data import TrainingData
from napari_sr.training.finetuning import sizing
from napari_sr.training.finetuning.given_noise import unlike
from napari_sr.training.finetuning.preview import NoisyPreview, picture_of, place_of, spread
from napari_sr.training.finetuning.self_supervision import BLIND, NEIGHBOURS
from napari_sr.training.finetuning.sources import check_image, clean, faint, fitted, with_noise
from napari_sr.training.finetuning.split import LEAST, Split, hold_out, parted
from napari_sr.training.intensity import keep_intensity
from napari_sr.training.noisy_validation import estimate_of, psnr_of
from napari_sr.training.upscaled import upscaled
from napari_sr.training.validation import Judgement, judgement
from napari_sr.zoo.card import card_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_sr.graph.network import Network
    from napari_sr.training.config import Config
    from napari_sr.training.data.pictures import Picture
    from napari_sr.training.finetuning.config import FineTuneConfig, Image
    from napari_sr.training.noisy_pairs import NoisyPair

LARGEST_CROP = sizing.NOISY_LADDER[0].crop


def prepared(
    task: FineTuneConfig, layers: Sequence[Sequence[Picture]]
) -> tuple[FineTuneConfig, Split, list[str]]:
    """Split the images; check noisy ones, and estimate their noise.

    Returns
    -------
    tuple of FineTuneConfig, Split and list of str
        The settings with what was estimated, the parts of the images, and notes for the user.

    Raises
    ------
    ValueError
        If an image does not suit, for the reasons of `check_image` or of the split.
    """
    if task.supervision is None:
        return task, hold_out(layers, task.scale), []
    for pictures in layers:
        check_image(pictures, task.supervision)
    supervision, given = fitted(task.supervision, layers), task.supervision.noise
    layers = with_noise(layers)
    noise = supervision.noise
    notes = [f"noise: {noise.words}"] if noise.given else []
    undeclared = [
        faint(image.name, pictures)
        for image, pictures in zip(task.images, layers, strict=True)
        if image.value_range is None
    ]
    notes += filter(None, undeclared)
    if given.given and supervision.method != BLIND:
        each = zip(task.images, layers, strict=True)
        notes += filter(None, [unlike(image.name, pictures, given) for image, pictures in each])
    notes += filter(
        None,
        (clean(one.name, own) for one, own in zip(task.images, layers, strict=True)),
    )
    task = replace(task, supervision=supervision, degradation_words=supervision.words)
    if supervision.method == NEIGHBOURS:
        return task, hold_out_neighbours(task.images, layers), notes
    return task, hold_out_noisy(layers), notes


class NoisyHeldOut:
    """Noisy validation pairs, and one part of them for pictures.

    Parameters
    ----------
    pairs : sequence of NoisyPair
        The pairs.
    scale : int
        S.
    start : Network
        The network before its first step, in eval mode.
    """

    def __init__(self, pairs: Sequence[NoisyPair], scale: int, start: Network) -> None:
        self.pairs, self.scale = list(pairs), scale
        channels = self.pairs[0].target.shape[0]
        self.bicubic = psnr_of(lambda lr: imresize(lr[:channels], scale), self.pairs)
        """Estimated PSNR of bicubic interpolation in dB."""
        sources = [pair.source for pair in self.pairs]
        self._source = max(sources, key=lambda one: float(one.std()))
        self._enlarged = imresize(self._source[:channels], scale)
        self._rows, self._columns = place_of(self._enlarged, scale)
        self._start = self._upscaled(start)

    def judgement(self, network: Network) -> Judgement:
        """Return the estimated PSNR of a network in dB, and what decides between networks."""
        return judgement(network, self.pairs)

    def bound(self, network: Network) -> bool:
        """Return whether the estimated PSNR of a network in eval mode is a lower bound."""
        return estimate_of(lambda lr: upscaled(network, lr), self.pairs).bound

    def show(self, network: Network) -> NoisyPreview:
        """Upscale the shown part with a network in eval mode; return the pictures."""
        repeated = self._source[: self._enlarged.shape[0]].repeat_interleave(self.scale, 1)
        repeated = repeated.repeat_interleave(self.scale, 2)
        images = repeated, self._enlarged, self._start, self._upscaled(network)
        parts = [image[:, self._rows, self._columns] for image in images]
        # noise has no fixed black and white: all pictures get those of the network's result
        low, high = torch.quantile(parts[-1].flatten(), torch.tensor([0.01, 0.999])).tolist()
        width = max(high - low, 1e-6)
        return NoisyPreview(*(picture_of((part - low) / width) for part in parts))

    @torch.no_grad()
    def _upscaled(self, network: Network) -> Tensor:
        device = next(network.parameters()).device
        result: Tensor = network(self._source[None].to(device))[0].float().cpu()
        return result


def complete(
    path: Path,
    network: Network,
    held_out: NoisyHeldOut,
    data: TrainingData,
    config: Config,
) -> bool:
    """Complete the file of a network that was trained, or kept as it was; it keeps its card.

    Its results get the intensities of the images. The card gets the entry
    `bound`: whether the network's estimated PSNR is a lower bound.

    Parameters
    ----------
    path : Path
        The file.
    network : Network
        The network in the file, in eval mode; its last layer changes.
    held_out : NoisyHeldOut
        The held-out parts.
    data : TrainingData
        The images.
    config : Config
        The recipe.

    Returns
    -------
    bool
        The entry `bound`.
    """
    bound = held_out.bound(network)
    keep_intensity(network, [*data.learnt, *data.held_out], config)
    card = card_of(path)
    export(path, network.state_dict(), {**card, "here": {**card["here"], "bound": bound}})
    return bound


def hold_out_noisy(layers: Sequence[Sequence[Picture]]) -> Split:
    """Split noisy pictures as `hold_out` does; their own pixels are what the network gets.

    Raises
    ------
    ValueError
        If an image is too small.
    """
    return hold_out(layers, 1, LARGEST_CROP)


def hold_out_neighbours(images: Sequence[Image], layers: Sequence[Sequence[Picture]]) -> Split:
    """Split time series; the neighbour of each frame becomes its recorded LR picture.

    Raises
    ------
    ValueError
        If an image has no two frames, does not fit into memory, or is too small.
    """
    learnt: list[Picture] = []
    bands: list[Picture] = []
    recorded: dict[str, Picture] = {}
    for image, pictures in zip(images, layers, strict=True):
        for number, other in enumerate(_neighbours(image, len(pictures))):
            parts, band = _named(pictures[number])
            others, other_band = _named(pictures[other])
            learnt += parts
            bands.append(band)
            for one, two in zip([*parts, band], [*others, other_band], strict=True):
                recorded[one.name] = replace(two, name=one.name)
    widest = min(max(min(one.height, one.width) for one in learnt), LARGEST_CROP)
    data = TrainingData(learnt, spread(bands, sizing.MOST_JUDGED), recorded)
    return Split(data, widest)


def _named(picture: Picture) -> tuple[list[Picture], Picture]:
    """Split a picture; its parts get names of their own."""
    parts, band = parted(picture, LEAST)
    named = [replace(one, name=f"{picture.name}, part {k}") for k, one in enumerate(parts)]
    return named, replace(band, name=f"{picture.name}, held-out part")


def _neighbours(image: Image, count: int) -> list[int]:
    """Return the index of each plane's neighbour along T, or along the first axis."""
    layout = layout_of(image.array.shape, image.array.dtype, image.axes)
    sizes = dict(zip(layout.axes, image.array.shape, strict=True))
    samples = layout.axes[-1] if layout.samples else ""
    axes = [axis for axis in layout.axes if axis not in ("Y", "X", samples)]
    shape = tuple(sizes[axis] for axis in axes)
    along = axes.index("T") if "T" in axes else 0
    if not axes or shape[along] < 2:
        raise ValueError(
            f"neighbouring frames need a time series of at least 2 frames, but {image.name} has "
            f"the axes {layout.axes} and the shape {image.array.shape}"
        )
    if count < np.prod(shape):
        raise ValueError(
            f"neighbouring frames need all {np.prod(shape)} planes of {image.name} in memory, but "
            f"only {count} fit: choose fewer frames"
        )
    index = np.arange(count).reshape(shape)
    others = np.roll(index, -1, axis=along)
    last = [slice(None)] * len(shape)
    before = list(last)
    last[along], before[along] = slice(-1, None), slice(-2, -1)
    others[tuple(last)] = index[tuple(before)]
    return [int(one) for one in others.ravel()]
