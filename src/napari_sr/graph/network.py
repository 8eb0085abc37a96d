"""The base class of networks, and the record that describes each architecture.

Symbols: N images, C image channels, H x W pixels, S scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import receptive_field
from napari_sr.graph.contiguous import contiguous
from napari_sr.graph.run import run

if TYPE_CHECKING:
    from napari_sr.graph.chain import Chain
    from napari_sr.graph.factor import Factor
    from napari_sr.graph.processing import Processing

StateDict: TypeAlias = Mapping[str, Tensor]
Options: TypeAlias = dict[str, Any]


class Network(nn.Module):
    """A super-resolution network: (N, C, H, W) in 0..1 to (N, C, S * H, S * W).

    The result is not clipped and may overshoot 0..1. A network trained on another range, such as
    0..255, converts its input and its result by `input_range`.

    Parameters
    ----------
    scale : int
        How many times larger the result is.
    channels : int
        1 for networks of grey images or luma, 3 for RGB.
    input_range : float
        The value of white that the weights expect. Callers always pass images in 0..1.
    """

    multiple: int = 1
    """H, W and the origin of any tile must be multiples of this; see `tile_alignment`."""
    least_size: int = 1
    """H and W must be at least this."""
    exact: bool = True
    """Whether `chain` knows the receptive field, so that tiles leave no seams."""
    whole: bool = False
    """Whether to process an image in one piece if memory allows: tiles would leave seams."""
    pads_with_zeros: bool = True
    """Whether the network pads images with zeros. The engine then puts some reflected pixels
    between image and zeros; see `Settings.border`."""
    zeros_reach: int = 6
    """LR pixels from the zeros at which they change flat images by less than 1 of 255, measured
    with all weights (benchmarks/quality/border.py)."""
    input_limits: tuple[float, float] | None = None
    """Smallest and largest value that it may get, where 0 is black and 1 is white, if its results
    are wrong beyond them. The engine then clips its input, and interpolates the rest."""
    corrections: int = 0
    """How often the chain makes the result agree with its image (`zoo.consistent`), as the engine
    does with the interpolated rest."""
    full_range: bool = True
    """For a network of one channel: True if it was trained on grey from 0 to 1, False if it was
    trained on luma from 16/255 to 235/255, as SRCNN was. The engine converts images accordingly."""
    takes_noise: bool = False
    """Whether the network also takes the level of the noise: its standard deviation, where white is
    1, as one more plane after the channels (Zhang, Zuo and Zhang, FFDNet, IEEE Transactions on
    Image Processing 27(9), 2018, https://arxiv.org/abs/1710.04026). The engine estimates the level
    once for each image, so that it is the same in all tiles."""
    processing: Processing | None = None
    """The author's processing of pixels, which enter as they are stored; results are floats."""
    on_cpu: bool = False
    """Whether the network computes only on the CPU."""
    border_halo: int = 0
    """LR pixels at the border whose results are wrong, as the network's author says."""
    halo_source: str = ""
    """Where the overlap of tiles comes from if the receptive field is unknown."""
    precisions: tuple[str, ...] = ("float32", "float16", "bfloat16")
    """Precisions in which the network does not overflow; the first is always safe."""

    def __init__(self, *, scale: int, channels: int, input_range: float = 1.0) -> None:
        super().__init__()
        whole = type(scale) is int and type(channels) is int
        if not whole or scale < 1 or channels < 1 or not 0 < input_range < math.inf:
            raise ValueError(
                f"{type(self).__name__} needs whole numbers of at least 1 as scale and channels "
                f"and a finite input_range above 0, got scale={scale}, channels={channels}, "
                f"input_range={input_range}"
            )
        self.scale = scale
        self.channels = channels
        self.input_range = input_range
        self.provenance: dict[str, object] = {}
        """Model, file and SHA-256 of the loaded weights; empty if no weights were loaded."""
        self.register_state_dict_post_hook(contiguous)  # type: ignore[no-untyped-call]

    @property
    def title(self) -> str:
        """Name of the network in records and errors."""
        return type(self).__name__

    @property
    def factor(self) -> Factor:
        """Enlargement of the result that the engine returns: `scale`, or less if it shrinks it."""
        return self.scale

    @property
    def inputs(self) -> int:
        """Number of planes that enter the network: its channels, and the noise if it takes it."""
        return self.channels + self.takes_noise

    def chain(self) -> Chain:
        """Return the network as local steps with small global values between them."""
        raise NotImplementedError(f"{type(self).__name__} defines no chain")

    @property
    def tile_alignment(self) -> int:
        """The origin of any tile must be a multiple of this."""
        return self.multiple

    @property
    def receptive_field(self) -> int | None:
        """Radius in LR pixels; None if it covers the whole image or is unknown."""
        return receptive_field(self.chain())

    def forward(self, image: Tensor) -> Tensor:
        """Upscale (N, C, H, W) in 0..1 to (N, C, S * H, S * W), unclipped.

        If the network takes the noise, the image has one plane more, which contains its level.

        Raises
        ------
        ValueError
            If the image has another number of planes than `inputs`, is too small, or has a height
            or width that is not a multiple of `multiple`.
        """
        self._check(image)
        return run(self.chain(), image)

    def in_input_range(self, image: Tensor) -> Tensor:
        """Return an image in 0..1, of any shape, in the range that the weights expect."""
        # multiplying by 1 would launch a kernel for nothing
        return image if self.input_range == 1 else image * self.input_range

    def _check(self, image: Tensor) -> None:
        name = self.title
        if image.ndim != 4 or image.shape[1] != self.inputs:
            last = ", the last plane with the level of the noise" if self.takes_noise else ""
            raise ValueError(
                f"{name} needs a tensor (N, {self.inputs}, H, W){last}, got {tuple(image.shape)}"
            )
        self.check_size(*image.shape[-2:])

    def check_size(self, height: int, width: int) -> None:
        """Raise a ValueError if a size is too small or no multiple of `multiple`; it gives both."""
        name = self.title
        if min(height, width) < self.least_size:
            raise ValueError(
                f"{name} needs at least {self.least_size} x {self.least_size} pixels, "
                f"got {height} x {width}"
            )
        if height % self.multiple or width % self.multiple:
            raise ValueError(
                f"{name} needs height and width to be multiples of {self.multiple}, "
                f"got {height} x {width}"
            )


def _unchanged(state: StateDict) -> StateDict:
    return state


def _whole(state: StateDict, scale: int) -> StateDict:
    return state


@dataclass(frozen=True)
class Variant:
    """One of the published networks of an architecture."""

    name: str
    """Its usual name; unique among all networks."""
    scales: tuple[int, ...] = (2, 3, 4)
    """The scales that its authors published."""
    options: Options = field(default_factory=dict)
    """The constructor's arguments that differ from the defaults, except `scale`."""


@dataclass(frozen=True)
class Architecture:
    """Description of an architecture: the record at the end of every network's file."""

    network: type[Network]
    """The class. Its constructor takes keywords only; `load_state_dict` takes what `adapt`
    returns."""
    title: str
    """Its usual name."""
    summary: str
    """One line for people who choose a model."""
    paper: str
    """Address of the paper."""
    year: int
    """Year of the first publication, as cited in the file's first lines."""
    forms: tuple[Variant, ...]
    """The published networks; at least one."""
    options_of: Callable[[StateDict], Options | None]
    """Takes the tensors after `adapt`, together with those under their original keys. Returns the
    constructor's arguments, except those that cannot be inferred from tensors, or None for another
    network's tensors. Never raises."""
    example: Options
    """The constructor's arguments for a small instance, for tests."""
    unseen: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Options that some checkpoints do not show, although a wrong value gives wrong results. Each
    has a sentence that says which value is assumed if none is given."""
    adapt: Callable[[StateDict], StateDict] = field(default=_unchanged)
    """Renames the keys of every known layout to this network's keys; other keys stay unchanged."""
    in_grey: Callable[[StateDict, int], StateDict] = field(default=_whole)
    """Takes the adapted tensors of a network for colour, and the number of planes that enter a
    network for grey; returns the tensors with which the latter gives the same result for grey: the
    mean of its colours. Other tensors stay unchanged. Training starts from them."""
    narrow: Callable[[StateDict, int], StateDict] = field(default=_whole)
    """For checkpoints of several scales: takes the adapted tensors, and one of the `scales` that
    `options_of` returned; returns the tensors for this scale."""

    def shapes(self, options: Options) -> Mapping[str, tuple[int, ...]]:
        """Return names and shapes of the tensors of a network with these options.

        Raises
        ------
        ValueError
            If no network can be built with these options.
        """
        # if the scale cannot be inferred from tensors, no shape depends on it: any scale will do
        (any_scale, *_) = options.get("scales", (2,))
        network: Any = self.network  # mypy does not know that a class is hashable
        return _shapes(network, tuple(sorted({"scale": any_scale, **options}.items())))


@lru_cache(maxsize=512)
def _shapes(
    network: Callable[..., Network], options: tuple[tuple[str, Any], ...]
) -> Mapping[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = network(**dict(options)).state_dict()
    return MappingProxyType({key: tuple(value.shape) for key, value in state.items()})
