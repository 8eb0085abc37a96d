"""Train the FSRCNN that ships with the package: one command, one file.

    python -m napari_sr.training.fsrcnn --data ../shared/data --scale 2 --steps 40000 --out runs

Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016,
https://arxiv.org/abs/1608.00367. The network is the paper's; three things of the training are
ours. It starts as an interpolation (`start_as_interpolation`) instead of from noise, it
descends L1 first and the squared error in the last third, and it keeps a running mean of the
weights. Luma is trained, as in the paper, on crops of T91, General100 and BSDS500's training
part, shrunk by MATLAB's bicubic on 8-bit RGB.

Letters: N crops, H x W pixels, S scale.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
import os
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from napari_sr.engine.colour import rgb_to_ycbcr
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.models.resize import cubic, imresize

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 16
CROP = 32
"""LR pixels along each side of a crop."""
MEAN_DECAY = 0.999
SQUARED_FROM = 0.65
"""Share of the steps after which the loss is the squared error, which PSNR measures."""
SHRINKS = {"T91": (1.0, 0.8, 0.6), "General100": (1.0, 0.8, 0.6), "BSDS500_train": (1.0, 0.7)}
"""Sizes at which each folder is shown; the paper shrinks its images likewise."""

logger = logging.getLogger(__name__)


def luma(rgb: Tensor) -> Tensor:
    """Return BT.601 luma in 16/255..235/255 of RGB in 0..255: (3, H, W) to (1, H, W)."""
    return rgb_to_ycbcr(rgb[None] / 255)[0, :1]


def read_rgb(path: Path) -> Tensor:
    """Read an image file as (3, H, W) in 0..255."""
    pixels = np.array(Image.open(path).convert("RGB"), dtype=np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1)


def pair(rgb: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Return the luma of an image shrunk by `scale` and of the image: (1, H, W), (1, SH, SW)."""
    height, width = (size // scale * scale for size in rgb.shape[-2:])
    rgb = rgb[:, :height, :width]
    return luma(imresize(rgb, Fraction(1, scale), largest=255)), luma(rgb)


def training_pairs(folder: Path, scale: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (1, H, W) and (1, SH, SW) of every training image large enough for a crop."""
    for name, shrinks in SHRINKS.items():
        for path in sorted((folder / "train" / name).iterdir()):
            rgb = read_rgb(path)
            for shrink in shrinks:
                resized = rgb if shrink == 1 else imresize(rgb, shrink, largest=255)
                if min(resized.shape[-2:]) >= CROP * scale:
                    yield pair(resized, scale)


def draw(
    pairs: list[tuple[Tensor, Tensor]], areas: np.ndarray, scale: int, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw a batch of crops, flipped and turned: (N, 1, CROP, CROP) and S times larger."""
    smalls: list[Tensor] = []
    larges: list[Tensor] = []
    for index in random.choice(len(pairs), size=BATCH, p=areas):
        small, large = pairs[index]
        top, left = (int(random.integers(size - CROP + 1)) for size in small.shape[-2:])
        turn, flip = int(random.integers(4)), bool(random.integers(2))
        crop_small = small[:, top : top + CROP, left : left + CROP]
        side = CROP * scale
        crop_large = large[:, top * scale : top * scale + side, left * scale : left * scale + side]
        for crop, into in ((crop_small, smalls), (crop_large, larges)):
            crop = crop.flip(-1) if flip else crop
            into.append(torch.rot90(crop, turn, (-2, -1)))
    return torch.stack(smalls), torch.stack(larges)


@torch.no_grad()
def start_as_interpolation(network: FSRCNN) -> None:
    """Let one feature carry the image through, and the last kernel interpolate it.

    All other weights keep small random values, so training starts from an interpolation
    instead of from noise and has only the detail to learn.
    """
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            fan = parameter[0].numel() if "enlarge" not in name else parameter.shape[0] * 20
            parameter.normal_(std=math.sqrt(2 / fan) * 0.5)
        elif name.endswith("bias"):
            parameter.zero_()
        else:
            parameter.fill_(0.1)
    for convolution in network.modules():
        if isinstance(convolution, torch.nn.Conv2d):
            middle = convolution.kernel_size[0] // 2
            convolution.weight[0] = 0
            convolution.weight[0, 0, middle, middle] = 1
    scale = network.scale
    # sample k of the 9 taps lies at this place, in LR pixels, before its source
    place = (torch.arange(9) - 4 - (scale - 1) / 2) / scale
    tent = cubic(place) if scale == 2 else (1 - place.abs()).clamp(min=0)
    network.enlarge.weight *= 0.05
    network.enlarge.weight[0, 0] = tent[:, None] * tent[None, :]


def psnr_on_set5(network: FSRCNN, folder: Path) -> float:
    """Return the mean PSNR in dB over Set5's luma, `scale` pixels of border left out."""
    scale, values = network.scale, []
    for path in sorted((folder / "Set5" / "HR").iterdir()):
        rgb = read_rgb(path)
        height, width = (size // scale * scale for size in rgb.shape[-2:])
        small = luma(read_rgb(folder / "Set5" / "LR_matlab" / f"x{scale}" / path.name))
        with torch.inference_mode():
            result = network(small[None])[0].clamp(16 / 255, 235 / 255)
        error = (result - luma(rgb[:, :height, :width]))[:, scale:-scale, scale:-scale]
        values.append(-10 * math.log10(error.square().mean().item()))
    return sum(values) / len(values)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Return a short linear rise, then half a cosine down to a thousandth of the peak."""
    rise = min(1.0, (step + 1) / min(500, steps / 10))
    return peak * rise * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def save(network: FSRCNN, path: Path, card: dict[str, object]) -> None:
    """Write weights and their card as safetensors, beside the target first, then in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(state, unfinished, metadata={"card": json.dumps(card)})
    os.replace(unfinished, path)


@dataclass(frozen=True)
class Recipe:
    """What a training depends on."""

    data: Path
    """Folder with `train/` (see `SHRINKS`) and `Set5/`."""
    scale: int
    steps: int
    rate: float = 1.5e-3
    seed: int = 0
    report_every: int = 1000


def descend(recipe: Recipe) -> Iterator[tuple[int, FSRCNN]]:
    """Train one network, and yield the step and the running mean of its weights now and then.

    The mean is what ships: it is judged, and saved, in place of the last weights.
    """
    torch.manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    pairs = list(training_pairs(recipe.data, recipe.scale))
    areas = np.array([small.numel() for small, _ in pairs], dtype=np.float64)
    network = FSRCNN(scale=recipe.scale)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 20 % faster
    start_as_interpolation(network)
    mean = copy.deepcopy(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.rate)
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, recipe.steps, recipe.rate)
        small, large = draw(pairs, areas / areas.sum(), recipe.scale, random)
        squared = step >= SQUARED_FROM * recipe.steps
        loss = (functional.mse_loss if squared else functional.l1_loss)(network(small), large)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.1)
        optimiser.step()
        follow(mean, network, min(MEAN_DECAY, (step + 1) / (step + 10)))
        if (step + 1) % recipe.report_every == 0 or step + 1 == recipe.steps:
            yield step + 1, mean


@torch.no_grad()
def follow(mean: FSRCNN, network: FSRCNN, decay: float) -> None:
    """Move the running mean of the weights a little towards the network's."""
    for kept, new in zip(mean.parameters(), network.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)


def train(recipe: Recipe, out: Path) -> Path:
    """Train one scale and keep `fsrcnn-x<scale>.safetensors` up to date in a folder."""
    target = out / f"fsrcnn-x{recipe.scale}.safetensors"
    began = time.monotonic()
    for step, network in descend(recipe):
        seconds = round(time.monotonic() - began)
        psnr = psnr_on_set5(network, recipe.data)
        logger.info("x%d step %d, %d s, Set5 %.3f dB", recipe.scale, step, seconds, psnr)
        card = {
            "network": "FSRCNN",
            "scale": recipe.scale,
            "data": sorted(SHRINKS),
            "seed": recipe.seed,
            "steps": step,
            "of": recipe.steps,
            "rate": recipe.rate,
            "batch": BATCH,
            "crop": CROP,
            "seconds": seconds,
            "device": f"cpu, {torch.get_num_threads()} thread(s)",
            "torch": torch.__version__,
            "psnr_set5_luma": round(psnr, 3),
        }
        save(network, target, card)
    return target


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and Set5/")
    parser.add_argument("--scale", type=int, required=True, choices=(2, 3, 4))
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = Recipe(given.data, given.scale, given.steps, given.rate, given.seed)
    train(recipe, given.out)


if __name__ == "__main__":
    main()
