"""The command `napari-sr evaluate`: compare models on a set of images; write table and picture.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.atomic_write import atomic_write
from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError, load
from napari_sr.evaluation import report
from napari_sr.evaluation.benchmark import evaluate
from napari_sr.evaluation.perceptual import MissingPackageError
from napari_sr.evaluation.picture import Panel, side_by_side, telling_place
from napari_sr.evaluation.sets import ImageSet
from napari_sr.files.place import check_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rich.progress import Progress as Bars

    from napari_sr.evaluation.benchmark import Protocol, Result
    from napari_sr.evaluation.table import Row, Table
    from napari_sr.runs.model import ModelReference

TABLES = {".md": report.markdown, ".csv": report.comma_separated}
DETAIL = 48
"""Largest side of the picture's details, in pixels."""


@dataclass(frozen=True)
class Request:
    """The models and the set to evaluate, and the files to write."""

    folder: Path
    models: Sequence[ModelReference]
    protocol: Protocol
    images: bool = False
    """Whether the printed table has a row for every image."""
    table: Path | None = None
    picture: Path | None = None
    pictured: str | None = None
    """Name of the image in the picture; None for the first image."""


def run(request: Request) -> str:
    """Evaluate all models, write the files, and return the table as Markdown.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If the set, a model or a path is wrong. In that case, no file is written.
    """
    places = ((request.table, tuple(TABLES)), (request.picture, (".png",)))
    for path, suffixes in places:
        if path is not None:
            check_place(path, suffixes, overwrite=True)
    gallery = Gallery(request.pictured)
    with terminal.bars() as bars, terminal.warnings_as_lines(bars):
        _prepare(request.protocol)
        tables = [_judged(request, model, gallery, bars) for model in request.models]
    drawn = None if request.picture is None else gallery.drawn()
    if request.table is not None:
        text = TABLES[request.table.suffix.lower()](tables)
        with atomic_write(request.table) as file:
            file.write(f"{text.rstrip()}\n".encode())
    if request.picture is not None and drawn is not None:
        with atomic_write(request.picture) as file:
            drawn.save(file, format="PNG")
    return report.markdown(tables, images=request.images)


def _prepare(protocol: Protocol) -> None:
    """Load packages and weights of the metrics, before any model is loaded."""
    try:
        for metric in protocol.judges:
            metric.prepare()
    except MissingPackageError as error:
        raise CommandError(str(error)) from error


def _judged(request: Request, model: ModelReference, gallery: Gallery, bars: Bars) -> Table:
    network = load(model, bars)
    label = label_of(model)
    bar = bars.add_task(f"{label} x{network.scale}", total=None)

    [first, *_] = request.protocol.judges

    def seen(result: Result, row: Row) -> None:
        if gallery.wants(row.image):
            gallery.add(f"{label}\n{first.shown(row.figures[first.name])}", result)
        bars.advance(bar)

    images = ImageSet(request.folder)
    return evaluate(network, images, model=label, protocol=request.protocol, seen=seen)


def label_of(model: ModelReference) -> str:
    """Return a model's name in tables: its file's name, or its name without the scale."""
    name = str(model.name or "")
    return Path(name).name if Path(name).is_file() else re.sub(r"-x\d+$", "", name)


@dataclass
class Gallery:
    """The results of all models for one image."""

    pictured: str | None
    """Name of the image; None for the first image."""
    panels: list[Panel] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Names of all images so far."""
    _whole: Panel | None = None

    def wants(self, name: str) -> bool:
        """Return whether the image of this name is in the picture."""
        self.names.append(name)
        self.pictured = self.pictured or name
        return name == self.pictured

    def add(self, label: str, result: Result) -> None:
        """Add a model's result, in colour."""
        if self._whole is None:
            self._whole = Panel(result.pair.name, result.truth)
        self.panels.append(Panel(label, result.seen))

    def drawn(self) -> Any:
        """Draw the picture: the ground truth and all results, where the first result is worst.

        Raises
        ------
        CommandError
            If the set does not have the image `pictured`.
        """
        if self._whole is None:
            known = ", ".join(dict.fromkeys(self.names))
            raise CommandError(f"there is no image {self.pictured!r} in the set: it has {known}")
        truth = self._whole.image
        size = min(DETAIL, *truth.shape[:2])
        first = self.panels[0].image
        place = telling_place(_grey(truth), _grey(first), size)
        panels = (Panel("truth", truth), *self.panels)
        return side_by_side(self._whole, panels, place, size=size)


def _grey(image: NDArray[Any]) -> NDArray[Any]:
    return image if image.ndim == 2 else image.mean(axis=2)
