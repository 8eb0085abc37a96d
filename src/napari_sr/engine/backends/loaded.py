"""Compiled segments in memory, and verdicts on segments."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from napari_sr.engine.backends import library
from napari_sr.engine.backends.compilers import COMPILERS
from napari_sr.engine.backends.trials import TRIALS

if TYPE_CHECKING:
    from concurrent.futures import Future

    from napari_sr.engine.backends.compilers import Model

LOOK_AGAIN = 0.2
"""Seconds between two checks for a verdict."""
MOST_LOADED = 64
"""Largest number of compiled segments in memory; the least recently used one is dropped."""


class LoadedModels:
    """Compiled segments in memory, loaded by a separate thread."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Future[Model]] = OrderedDict()
        self._looked: dict[str, float] = {}
        self._verdicts: dict[str, library.Verdict] = {}
        self._loader: ThreadPoolExecutor | None = None

    def verdict(self, name: str) -> library.Verdict | None:
        """Return the verdict on a segment, or None if there is none yet."""
        now = time.monotonic()
        if name not in self._verdicts and now - self._looked.get(name, -1.0) > LOOK_AGAIN:
            self._looked[name] = now
            verdict = library.verdict_of(name)
            if verdict is not None:
                self._verdicts[name] = verdict
        return self._verdicts.get(name)

    def model(self, name: str, engine: str, precision: str) -> Model | None:
        """Return a compiled segment, or None if it is still loading or failed to load.

        Parameters
        ----------
        name : str
            Name of the segment in the library.
        engine : str
            One of `COMPILERS`.
        precision : str
            One of the compiler's `PRECISIONS`.
        """
        if name not in self._models:
            if self._loader is None:
                self._loader = ThreadPoolExecutor(1, "napari-sr-engine")
            self._models[name] = self._loader.submit(_load, name, engine, precision)
            while len(self._models) > MOST_LOADED:
                self._models.popitem(last=False)
        self._models.move_to_end(name)
        future = self._models[name]
        if not future.done():
            return None
        error = future.exception()
        if error is not None:
            library.forget(name)
            self.refuse(name, f"{engine} cannot load it: {error}"[:300])
            return None
        return future.result()

    def free(self, name: str) -> None:
        """Free the memory of a segment's intermediate values, if it is loaded and not in use."""
        future = self._models.get(name)
        if future is not None and future.done() and future.exception() is None:
            future.result().free()

    def refuse(self, name: str, why: str) -> None:
        """Stop using a segment in this process."""
        self._verdicts[name] = library.Verdict(False, why=why)

    def wait(self) -> None:
        """Wait until all requested segments are loaded."""
        wait(list(self._models.values()))


def _load(name: str, engine: str, precision: str) -> Model:
    library.touch(name)
    cache = library.folder() / library.MACHINE_CODE
    return COMPILERS[engine].load(library.folder() / name, precision, cache)


LOADED = LoadedModels()


def wait_for_trials(seconds: float = 300.0) -> bool:
    """Wait until all requested segments are compiled; return whether they are.

    Only benchmarks and tests call this function.
    """
    done = TRIALS.wait(seconds)
    LOADED.wait()
    return done
