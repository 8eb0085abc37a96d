"""Keep what `advice.py` measured, so that a run can be stopped, and only new images take time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from advice_fit import Case
from commit import commit

from napari_sr.advice.forecast import Powers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_sr.graph.network import Network


class Kept:
    """Measured cases, in a file or only in memory."""

    def __init__(self, path: Path | None, measure: Callable[..., Case]) -> None:
        self.path, self.measure = path, measure
        lines = [] if path is None or not path.exists() else path.read_text().splitlines()
        self.known = {one["image"]: one for one in map(json.loads, lines)}
        self.commits: dict[str, None] = {}
        """Commits that measured the cases, in the order of their first use."""

    def case(
        self,
        about: tuple[str, str, bool],
        small: NDArray[Any],
        truth: NDArray[np.float64],
        values: tuple[float, float],
        networks: Mapping[str, Network],
        *,
        apart: bool = True,
    ) -> Case:
        """Return a kept case, or measure and keep it; see `advice.case`."""
        image = hashlib.sha256(small.tobytes() + truth.tobytes()).hexdigest()
        if image not in self.known:
            found = asdict(self.measure(about, small, truth, values, networks, apart=apart))
            self._add({"image": image, "commit": commit(), **found})
        line = dict(self.known[image])
        del line["image"]
        self.commits[line.pop("commit")] = None
        return replace(Case(**line), powers=Powers(**line["powers"]))

    def _add(self, line: dict[str, Any]) -> None:
        self.known[line["image"]] = line
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
