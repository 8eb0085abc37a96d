"""The settings of a training run: typed records that check their values.

`recipe.py` reads them from TOML files. The names of tables and keys there are the field names here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from napari_sr.training.component import MOST_STEPS, NO_OTHERS, ComponentSpec, need, within
from napari_sr.training.optim_config import Adversary, Optimiser, Schedule

LARGEST_SCALE = 64
LARGEST_CROP = 1 << 14
LARGEST_BATCH = 1 << 16
LARGEST_SEED = (1 << 63) - 1
Precision = Literal["float32", "float16", "bfloat16"]


@dataclass(frozen=True)
class Data:
    """The training images and their degradation."""

    __pydantic_config__: ClassVar = NO_OTHERS
    crop: int
    """Side of a crop in LR pixels."""
    batch: int
    """Number of crops in a step, for each process."""
    folders: tuple[str, ...] = (".",)
    """Folders of images, or image files; paths are relative to the data folder."""
    sizes: tuple[float, ...] = (1.0,)
    """Sizes at which each image is used: 0.5 means half its height and width."""
    validation: int = 8
    """Number of image files held out for validation, spread evenly over all files."""
    validation_size: int = 0
    """Side of the central part of each held-out image that is scored, in HR pixels; 0 for the whole
    image."""
    degradation: ComponentSpec = field(default_factory=lambda: ComponentSpec("bicubic"))
    flips: bool = True
    turns: bool = True
    value_range: tuple[float, float] | None = None
    """The values of black and white; by default, the range of an integer type or 0..1."""
    grey: bool = False
    """Whether to convert RGB to grey; networks of 1 channel then get grey in 0..1. Otherwise, they
    get luma in 16/255..235/255, even from grey images."""
    synthetic: int = 0
    """Number of synthetic fluorescence images to add; further ones are added for validation."""
    recorded: tuple[str, ...] = ()
    """Folders of recorded LR images, one for each of `folders` and with the same file names. They
    replace the degradation."""
    leave_out_small: bool = False
    """Whether to leave out images smaller than a crop; otherwise they raise an error."""
    cache_on_device: bool = False
    """Whether to keep all images, which must have 8 bits, on the device, and cut crops there."""

    def __post_init__(self) -> None:
        """Check that numbers are within bounds."""
        within("crop", self.crop, 1, LARGEST_CROP)
        within("batch", self.batch, 1, LARGEST_BATCH)
        sizes = all(0 < size <= LARGEST_SCALE for size in self.sizes)
        need(sizes and bool(self.sizes), "sizes", f"above 0 to {LARGEST_SCALE}", self.sizes)
        need(bool(self.folders), "folders", "at least one folder", self.folders)
        need(self.validation >= 0, "validation", "at least 0", self.validation)
        need(self.validation_size >= 0, "validation_size", "at least 0", self.validation_size)
        within("synthetic", self.synthetic, 0, MOST_STEPS)
        low, high = self.value_range or (0, 1)
        right = math.isfinite(low) and low < high < math.inf
        need(right, "value_range", "finite, the lower value first", self.value_range)
        self._check_recorded()

    def _check_recorded(self) -> None:
        if not self.recorded:
            return
        each = len(self.recorded) == len(self.folders)
        need(each, "recorded", f"one for each of {len(self.folders)} folders", self.recorded)
        need(self.sizes == (1.0,), "sizes", "omitted if recorded is given", self.sizes)
        need(not self.synthetic, "synthetic", "omitted if recorded is given", self.synthetic)


@dataclass(frozen=True)
class Term:
    """One loss of the weighted sum."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: str
    """The name of a module in `losses`."""
    weight: float = 1.0
    since: float = 0.0
    until: float = 1.0
    """The loss counts from `since` to `until`, as fractions of all steps."""
    fades: float = 0.0
    """For DRCN: the fraction of all steps in which the intermediate losses fade to 0; 0 to keep
    them."""
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that numbers are within bounds."""
        need(0 < self.weight < math.inf, "weight", "above 0", self.weight)
        inside = 0 <= self.since < self.until <= 1
        need(
            inside, "since and until", "such that 0 <= since < until <= 1", (self.since, self.until)
        )
        need(0 <= self.fades <= 1, "fades", "in 0..1", self.fades)


@dataclass(frozen=True)
class Initialisation:
    """The weights before the first step."""

    __pydantic_config__: ClassVar = NO_OTHERS
    kind: Literal["fresh", "interpolation", "checkpoint"] = "fresh"
    """With "interpolation", FSRCNN computes an interpolation before its first step."""
    checkpoint: str = ""
    """A file, or a known model's name. Tensors with equal names and shapes are copied, so scale and
    depth may differ."""

    def __post_init__(self) -> None:
        """Check that a checkpoint is given if `kind` needs it, and only then."""
        right = (self.kind == "checkpoint") == bool(self.checkpoint)
        need(right, "checkpoint", "given if, and only if, kind is 'checkpoint'",
              (self.kind, self.checkpoint))  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Length, precision and reports of a training run."""

    __pydantic_config__: ClassVar = NO_OTHERS
    steps: int
    seed: int = 0
    precision: Precision = "float32"
    """The precision of the network; losses and weights stay in float32."""
    ema: float = 0.0
    """Decay of the running mean of the weights, which becomes the result; 0 for none."""
    clip: float = 0.0
    """Largest norm of the gradient; 0 for no limit."""
    compile: bool = False
    """Whether to use torch.compile, which takes a minute or more before the first step."""
    deterministic: bool = True
    """Whether a GPU computes every sum in the same order, as a CPU does."""
    channels_last: bool = False
    """Whether to store channels last, which is faster in half precision and for small networks."""
    report_every: int = 100
    validate_every: int = 1000
    save_every: int = 1000

    def validates_after(self, step: int) -> bool:
        """Return whether a step is followed by a validation."""
        return step == self.steps or step % self.validate_every == 0

    def __post_init__(self) -> None:
        """Check that numbers are within bounds."""
        for key in ("steps", "report_every", "validate_every", "save_every"):
            within(key, getattr(self, key), 1, MOST_STEPS)
        within("seed", self.seed, 0, LARGEST_SEED)
        need(0 <= self.ema < 1, "ema", "from 0 to below 1", self.ema)
        need(0 <= self.clip < math.inf, "clip", "at least 0", self.clip)


@dataclass(frozen=True)
class Config:
    """The settings of a training run."""

    __pydantic_config__: ClassVar = NO_OTHERS
    scale: int
    network: ComponentSpec
    data: Data
    loss: tuple[Term, ...]
    run: Run
    scales: tuple[int, ...] = ()
    """The scales of a multi-scale network. Every step trains one, drawn at random; validation uses
    `scale`."""
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    adversary: Adversary | None = None
    start: Initialisation = field(default_factory=Initialisation)
    name: str = "network"
    """Name of the result's file."""

    def __post_init__(self) -> None:
        """Check that every step has a loss, and that `scale` is one of `scales`."""
        within("scale", self.scale, 1, LARGEST_SCALE)
        need(bool(self.loss), "loss", "at least one [[loss]]", self.loss)
        for share in (0.0, *(term.until for term in self.loss)):
            there = share == 1 or any(term.since <= share < term.until for term in self.loss)
            if not there:
                raise ValueError(
                    f"every step needs a loss, got none after {share:.1%} of all steps"
                )
        right = not self.scales or self.scale in self.scales
        need(right, "scales", f"a list with the scale {self.scale}", self.scales)
        alone = not (self.scales and self.adversary)
        need(alone, "scales", "omitted with an adversary, which fits only one scale", self.scales)
