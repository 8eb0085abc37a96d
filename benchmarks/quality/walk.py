"""Print the path of an image from `napari_sr.upscale` to the network and back; count its stops.

A stop is a call from one file into another if pixels are an argument or the result of the call, or
of a call inside it. Calls that a loop repeats count once. A stop in a file that the image has been
in before counts as a return. Calls inside the network are left out.

    python benchmarks/quality/walk.py            # a grey image in tiles
    python benchmarks/quality/walk.py --whole    # an image that is one tile
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from inspect import CO_GENERATOR
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import napari_sr

if TYPE_CHECKING:
    from types import FrameType

PACKAGE = Path(napari_sr.__file__).parent
INSIDE_THE_NETWORK = ("models/", "layers/")
SIDE = 52  # 64 with the reflected pixels on each side
TILE = 24
LEAST_SIDE = 6
"""Arrays with two axes of at least this length count as pixels. (The engine's files never pass
weights to each other.)"""


@dataclass
class Stop:
    """A function of the package that was called."""

    file: str
    function: str
    caller: Stop | None
    pixels: bool = False
    """Whether pixels are an argument or result of the call, or of a call inside it."""
    calls: dict[tuple[str, str], Stop] = field(default_factory=dict)


def has_pixels(value: object) -> bool:
    """Return whether a value is an array or a tensor that may be a part of an image."""
    shape = getattr(value, "shape", ()) if isinstance(value, np.ndarray | torch.Tensor) else ()
    return sum(size >= LEAST_SIDE for size in shape) >= 2


class Walk:
    """A recorder of calls between functions of the package, for `sys.setprofile`."""

    def __init__(self) -> None:
        self.root = Stop("", "", None)
        self._stack: dict[int, Stop] = {}
        self._suspended: dict[int, Stop] = {}

    def __call__(self, frame: FrameType, event: str, value: Any) -> None:
        """Handle one event of the interpreter."""
        if event not in ("call", "return"):
            return
        name = frame.f_code.co_filename
        if not name.startswith(str(PACKAGE)):
            return
        file = Path(name).relative_to(PACKAGE).as_posix()
        if event == "return":
            stop = self._stack.pop(id(frame), None)
            if stop is not None and has_pixels(value):
                _mark(stop)
            if stop is not None and frame.f_code.co_flags & CO_GENERATOR:
                self._suspended[id(frame)] = stop
            return
        function = frame.f_code.co_qualname
        known = self._suspended.pop(id(frame), None)
        if known is not None and (known.file, known.function) == (file, function):
            self._stack[id(frame)] = known  # a resumed generator is no new stop
            return
        caller = self._caller(frame)
        stop = caller.calls.setdefault((file, function), Stop(file, function, caller))
        self._stack[id(frame)] = stop
        count = frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
        arguments = (frame.f_locals.get(one) for one in frame.f_code.co_varnames[:count])
        if any(has_pixels(argument) for argument in arguments):
            _mark(stop)

    def _caller(self, frame: FrameType) -> Stop:
        above = frame.f_back
        while above is not None:
            if id(above) in self._stack:
                return self._stack[id(above)]
            above = above.f_back
        return self.root

    def stops(self) -> list[tuple[int, Stop, bool]]:
        """Return depth, function, and whether its file differs from its caller's, in order."""
        found: list[tuple[int, Stop, bool]] = []
        seen: set[tuple[str, str, str, str]] = set()

        def visit(stop: Stop, depth: int) -> None:
            for one in stop.calls.values():
                if not one.pixels or one.file.startswith(INSIDE_THE_NETWORK):
                    continue
                pair = (stop.file, stop.function, one.file, one.function)
                if pair not in seen:
                    seen.add(pair)
                    found.append((depth, one, one.file != stop.file))
                    visit(one, depth + 1)

        visit(self.root, 0)
        return found


def _mark(stop: Stop | None) -> None:
    while stop is not None and not stop.pixels:
        stop.pixels = True
        stop = stop.caller


def main() -> None:
    """Upscale a small image once, and print its path."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--whole", action="store_true", help="use one tile for the whole image")
    options.add_argument("--model", default="fsrcnn-x2", help="a known model (fsrcnn-x2)")
    wanted = options.parse_args()
    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), np.uint8)
    network = napari_sr.load(wanted.model)
    tile = None if wanted.whole else TILE
    napari_sr.upscale(image, network, tile=tile)  # the first run also fills caches
    walk = Walk()
    sys.setprofile(walk)
    try:
        napari_sr.upscale(image, network, tile=tile)
    finally:
        sys.setprofile(None)
    stops = walk.stops()
    for depth, stop, enters in stops:
        print(f"{'->' if enters else '  '} {'  ' * depth}{stop.file}: {stop.function}")
    entered = [stop.file for _, stop, enters in stops if enters]
    files = len(set(entered))
    print(f"\n{len(entered)} stops in {files} files: {len(entered) - files} returns")


if __name__ == "__main__":
    main()
