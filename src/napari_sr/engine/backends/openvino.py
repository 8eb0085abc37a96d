"""OpenVINO: segments compiled for this processor, while PyTorch computes the first tiles.

Nobody waits for a compilation. A segment that is not compiled yet runs in PyTorch; another process
compiles, checks and times it meanwhile (`openvino_trial`). If it is right and faster, OpenVINO
computes all later tiles of that shape, in this run and in later ones.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from napari_sr.engine.backends import library
from napari_sr.engine.backends.library import largest_error
from napari_sr.engine.backends.openvino_models import ASKED, LOADED, TRIALS, engine_version
from napari_sr.engine.planning.segments import Segment
from napari_sr.graph.chain import IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_sr.engine.backends.interface import SegmentKey
    from napari_sr.engine.backends.openvino_trial import Wanted
    from napari_sr.graph.network import Network

LEAST_PIXELS = 32**2
"""Of tiles that are worth it."""
MOST_ERROR = 1e-4
"""Of the largest value of a plane: what the first results in a process may differ by."""
PATIENCE = 1.0
"""Seconds of a run after which what it wants is compiled; else at its end."""


class OpenVino:
    """Computes segments of one network by OpenVINO, where it is right and faster.

    Parameters
    ----------
    network : Network
        On the CPU, in float32.
    channels : int
        Of the image.
    always : bool
        Whether it is used also where it is slower than PyTorch.
    """

    max_extra = 1.25
    """Larger than for CUDA graphs, because OpenVINO is up to three times as fast as PyTorch."""

    def __init__(self, network: Network, channels: int, *, always: bool = False) -> None:
        self._network = network
        self._channels = channels
        self._always = always
        self._began = time.monotonic()
        self._weights = ""
        self._asked = False
        self._names: dict[object, str] = {}
        self._requests: dict[str, Any] = {}
        self._image: Tensor | None = None
        self._wanted: dict[str, Wanted] = {}
        self._counts = {"openvino": 0, "torch": 0}
        self._why: dict[str, None] = {}
        self._errors: list[float] = []

    def accepts(self, device: torch.device, pixels: int) -> bool:
        """Return whether OpenVINO can compute tiles of this many pixels on a device."""
        return device.type == "cpu" and pixels >= LEAST_PIXELS

    def run(
        self,
        key: SegmentKey,
        function: Callable[..., tuple[Tensor, ...]],
        tensors: Sequence[Tensor],
        *,
        device: torch.device | None = None,
        borrowed: bool = False,
    ) -> tuple[Tensor, ...]:
        """Compute a function of tensors, as `Backend.run` does."""
        if key.inputs == (IMAGE,):
            self._remember(tensors[0])
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        known = (key.indices, key.inputs, key.outputs, shapes)
        if known not in self._names:
            self._weights = self._weights or _fingerprint(self._network)
            self._names[known] = library.name_of(
                self._weights, self._channels, engine_version(), key, shapes
            )
        name = self._names[known]
        request = self._request(name)
        if request is None:
            self._want(name, key, shapes)
            self._counts["torch"] += 1
            return function(*tensors)
        arrays = [tensor.contiguous().numpy() for tensor in tensors]
        found = request.infer(arrays, share_inputs=True, share_outputs=True)
        results = tuple(torch.from_numpy(found[index]) for index in range(len(key.outputs)))
        checked = _CHECKED.setdefault(self._network, set())
        if name not in checked:
            expected = function(*tensors)
            self._check(name, results, expected)
            checked.add(name)
            self._counts["torch"] += 1
            return expected
        self._counts["openvino"] += 1
        return results  # each segment has a request of its own, and with it memory of its own

    def _check(self, name: str, results: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
        """Refuse a segment whose first results in this process are not PyTorch's."""
        error = largest_error(results, expected)
        if not error <= MOST_ERROR:
            why = f"OpenVINO's results differ from PyTorch's by {error:.1e} of the largest value"
            LOADED.refuse(name, why)
            self._requests.pop(name, None)

    def record(self) -> dict[str, object]:
        """Return how many segments each engine computed, for the record of the result."""
        return {
            "name": "openvino" if self._counts["openvino"] else "torch",
            "segments": dict(self._counts),
            "largest_error": max(self._errors, default=None),
            "reasons": list(self._why),
        }

    def reset(self) -> None:
        """Free the memory of a run that starts again; nothing of it is compiled."""
        self._requests.clear()
        self._wanted.clear()
        self._image = None

    def close(self) -> None:
        """Free the memory of a run that ends, and have its segments compiled."""
        self._ask()
        self.reset()

    def _remember(self, image: Tensor) -> None:
        """Keep the largest tile of the image for trials; nothing writes into it."""
        if self._image is None or image.numel() > self._image.numel():
            self._image = image

    def _request(self, name: str) -> Any | None:
        """Return the compiled segment, or None if PyTorch computes it."""
        if name not in self._requests:
            model = LOADED.get(name, always=self._always)
            if isinstance(model, library.Verdict):
                self._why[model.why or "PyTorch is as fast"] = None
            elif model is not None:
                self._requests[name] = model.create_infer_request()
                verdict = library.verdict_of(name)
                self._errors += [verdict.error] if verdict is not None else []
        return self._requests.get(name)

    def _want(self, name: str, key: SegmentKey, shapes: Sequence[tuple[int, ...]]) -> None:
        """Request a trial of a segment, unless there was one."""
        from napari_sr.engine.backends.openvino_trial import Wanted

        if name not in self._wanted and name not in ASKED and not LOADED.knows(name):
            segment = Segment(key.indices, True, key.inputs, key.outputs)
            self._wanted[name] = Wanted(name, segment, self._size(key, shapes))
        if not self._asked and time.monotonic() - self._began > PATIENCE:
            self._ask()

    def _size(self, key: SegmentKey, shapes: Sequence[tuple[int, ...]]) -> tuple[int, int]:
        """Return height and width of the tile in pixels of the image."""
        from napari_sr.engine.planning.network_profile import profile_of

        planes = profile_of(self._network, self._channels, torch.float32).profile.planes
        for name, shape in zip(key.inputs, shapes, strict=True):
            if name in planes:
                scale = planes[name].scale
                return round(shape[2] / scale), round(shape[3] / scale)
        raise ValueError(f"a segment takes a plane at least, got {key.inputs}")

    def _ask(self) -> None:
        """Start the requested trials in another process."""
        from napari_sr.engine.backends.openvino_trial import Job, dump

        self._asked = True
        image = self._image
        wanted = sorted(self._wanted.values(), key=lambda one: (one.size, one.segment.indices))
        self._wanted = {}
        if image is None:
            return
        # in the order in which they are tried; a tile larger than the image seen waits
        fitting = [
            one for one in wanted if one.size[0] <= image.shape[2] and one.size[1] <= image.shape[3]
        ]
        if not fitting:
            return
        try:
            threads = torch.get_num_threads()
            content = dump(Job(self._network, image, tuple(fitting), threads))
        except (RuntimeError, TypeError, AttributeError, OSError) as error:
            self._why[f"the network cannot be handed to another process: {error}"] = None
            return
        ASKED.update(one.name for one in fitting)
        TRIALS.submit(content, [one.name for one in fitting])


_CHECKED: WeakKeyDictionary[Network, set[str]] = WeakKeyDictionary()
"""Segments whose first results were compared with PyTorch's in this process, by network."""
_fingerprints: WeakKeyDictionary[Network, tuple[object, str]] = WeakKeyDictionary()


def _fingerprint(network: Network) -> str:
    """Return a network's fingerprint, which is found again only where weights may have changed."""
    tensors = [*network.parameters(), *network.buffers()]
    if any(tensor.is_inference() for tensor in tensors):
        return library.fingerprint(network)  # such tensors do not count their changes
    now = [(tensor.data_ptr(), tensor._version) for tensor in tensors]
    known = _fingerprints.get(network)
    if known is None or known[0] != now:
        known = _fingerprints[network] = (now, library.fingerprint(network))
    return known[1]
