"""Trials of segments that a run requests."""

from __future__ import annotations

import time
from pickle import PickleError
from typing import TYPE_CHECKING, TypeAlias

import torch

from napari_sr.engine.backends.trials import ASKED, TRIALS
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch import Tensor

    from napari_sr.engine.backends.interface import SegmentKey
    from napari_sr.engine.backends.trial import Wanted
    from napari_sr.graph.network import Network

Shapes: TypeAlias = tuple[tuple[int, ...], ...]
"""Shapes of a segment's inputs."""
NOT_PICKLED = (PickleError, RuntimeError, TypeError, AttributeError, ValueError, OSError)
"""Errors raised when a network cannot be pickled, for instance because an attribute is a lambda."""


class TrialRequests:
    """Segments of one network whose trials a run requests.

    Parameters
    ----------
    network : Network
        The network on the CPU, in float32.
    channels : int
        Channels of the image.
    precision : str
        "float32" or "bfloat16".
    """

    def __init__(self, network: Network, channels: int, precision: str) -> None:
        self._network = network
        self._channels = channels
        self._precision = precision
        self._began = time.monotonic()
        self._submitted = False
        self._image: Tensor | None = None
        self._wanted: dict[str, dict[str, Wanted]] = {}
        self.problems: list[str] = []
        """Reasons why no trial is possible."""
        self.refused: set[str] = set()
        """Segments that cannot be tried, because the network cannot be sent to a process."""

    def remember(self, image: Tensor) -> None:
        """Keep a tile for trials if it is the largest so far; do not write to it afterwards."""
        if self._image is None or image.numel() > self._image.numel():
            self._image = image

    def add(self, engine: str, name: str, key: SegmentKey, shapes: Shapes) -> None:
        """Request a trial of a segment, unless it was requested before.

        Parameters
        ----------
        engine : str
            Engine to try.
        name : str
            Name of the segment in the library.
        key : SegmentKey
            Identity of the computation.
        shapes : tuple of tuples of int
            Shapes of the segment's inputs.
        """
        from napari_sr.engine.backends.trial import Wanted

        of_engine = self._wanted.setdefault(engine, {})
        if name not in of_engine and name not in ASKED:
            segment = Segment(key.indices, True, key.inputs, key.outputs)
            of_engine[name] = Wanted(name, segment, self._size(key, shapes))

    def _size(self, key: SegmentKey, shapes: Shapes) -> tuple[int, int]:
        """Return height and width of the tile in pixels of the image."""
        planes = profile_of(self._network, self._channels, torch.float32).profile.planes
        found = [
            (planes[name].scale, shape[2:])
            for name, shape in zip(key.inputs, shapes, strict=True)
            if name in planes
        ]
        if not found:
            raise ValueError(f"a segment must read at least one plane, got {key.inputs}")
        # a plane of half the size does not show whether the full height is odd
        scale, (height, width) = max(found, key=lambda one: one[0])
        return round(height / scale), round(width / scale)

    def submit_after(self, seconds: float) -> None:
        """Start the trials, once, if the run has lasted this many seconds."""
        if (
            not self._submitted
            and any(self._wanted.values())
            and time.monotonic() - self._began > seconds
        ):
            self.submit()

    def submit(self) -> None:
        """Start the requested trials, one process per engine and orientation of the tile."""
        self._submitted = True
        image, requested = self._image, self._wanted
        self._wanted = {}
        if image is None or TRIALS.full:
            return  # a later run will request them again
        for engine, wanted in requested.items():
            left = dict(wanted)
            for shown in _shown(image, wanted.values()):
                fitting = [one for one in left.values() if _fits(one.size, shown)]
                for one in fitting:
                    del left[one.name]
                if fitting and not self._submit(engine, shown.contiguous(), fitting):
                    self.refused.update(*requested.values())
                    return
                if not left:
                    break

    def _submit(self, engine: str, image: Tensor, wanted: Sequence[Wanted]) -> bool:
        """Start trials on an image; return False if the network cannot be sent to a process."""
        from napari_sr.engine.backends.trial import Job, dump

        ordered = tuple(sorted(wanted, key=lambda one: (one.size, one.segment.indices)))
        threads = torch.get_num_threads()
        job = Job(self._network, image, ordered, engine, self._precision, threads)
        try:
            content = dump(job)
        except NOT_PICKLED as error:
            self.problems.append(f"the network cannot be sent to another process: {error}")
            return False
        names = [one.name for one in ordered]
        ASKED.update(names)
        TRIALS.submit(content, names)
        return True

    def clear(self) -> None:
        """Forget all requests, and free the image."""
        self._wanted.clear()
        self._image = None


def _shown(image: Tensor, wanted: Collection[Wanted]) -> Iterator[Tensor]:
    """Yield images for trials, (1, C, H, W), which together fit all that is wanted."""
    yield image
    yield image.transpose(2, 3)  # an ensemble turns tiles, too
    # the tile that was kept may have another shape than the tiles of a later stage
    yield _enlarged(image, wanted)


def _enlarged(image: Tensor, wanted: Collection[Wanted]) -> Tensor:
    """Return an image, (1, C, H, W), continued by reflection until it fits all that is wanted."""
    sizes = zip(*((*image.shape[2:],), *(one.size for one in wanted)), strict=True)
    for axis, size in enumerate(map(max, sizes), start=2):
        length = image.shape[axis]
        places = torch.arange(size) % (2 * length)
        image = image.index_select(axis, torch.minimum(places, 2 * length - 1 - places))
    return image


def _fits(size: tuple[int, int], image: Tensor) -> bool:
    """Return whether an image, (1, C, H, W), has at least this height and width."""
    return size[0] <= image.shape[2] and size[1] <= image.shape[3]
