"""The task of a resumable run: a description in JSON that every process of the run opens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.execution.run_record import versions
from napari_sr.engine.image.arrays import Layout, layout_of
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.files.lazy import open_lazy
from napari_sr.runs import cache
from napari_sr.streaming.engine import fixed_as, fixed_of, fixed_settings
from napari_sr.streaming.journal import JournalError, differences
from napari_sr.streaming.run import BlockRun, run_on
from napari_sr.streaming.task_json import model_as_json, model_from_json, settings_from_json
from napari_sr.zoo.provenance import checkpoints_in

if TYPE_CHECKING:
    from napari_sr.engine.planning.blocks import BlockGrid
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference


@dataclass(frozen=True)
class Opened:
    """A task with its source opened and its network loaded."""

    image: LazyImage
    run: BlockRun
    text: bytes = b""
    """The task's text in the journal."""

    @property
    def layout(self) -> Layout:
        """Layout of the source."""
        return self.run.reader.grid.layout

    @property
    def grid(self) -> BlockGrid:
        """The blocks of the source."""
        return self.run.reader.grid

    @property
    def network(self) -> Network:
        """The network that runs."""
        return self.run.network


def key_of(
    source: Path, image: LazyImage, model: ModelReference, network: Network, settings: Settings
) -> dict[str, Any]:
    """Return all that determines the result, as JSON; a resumed run must have the same key."""
    key = {
        "source": _source_as_json(source, image),
        "model": model_as_json(model),
        "weights": weights_of(network.provenance),
        "settings": settings.of_result,
        "versions": versions(),
    }
    found: dict[str, Any] = json.loads(json.dumps(key))  # tuples become lists, as in the file
    return found


def _source_as_json(source: Path, image: LazyImage) -> dict[str, Any]:
    return {"path": str(source.absolute()), "axes": image.axes, **image.identity}


def begin(
    image: LazyImage,
    network: Network,
    settings: Settings,
    key: dict[str, Any],
    axes: str | None = None,
) -> tuple[dict[str, Any], Opened]:
    """Decide tile and engine of a new run; return the task as JSON, and the opened task.

    Parameters
    ----------
    image : LazyImage
        The source.
    network : Network
        Network to run.
    settings : Settings
        Settings as the user chose them.
    key : dict
        The key that `key_of` returned.
    axes : str, optional
        The axes that the user named, in stored order; `image` may have them in another order.

    Raises
    ------
    ValueError
        If a setting is wrong, or the image has infinite values.
    OutOfMemoryError
        If a block does not fit into memory.
    """
    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    grid = usual_grid(layout, network, settings)
    run = fixed_settings(run_on(image.pixels, grid, network, settings))
    task = {
        "key": key,
        "axes": axes,
        "block": [grid.rows, grid.columns],
        "fixed": fixed_of(run),
    }
    return task, Opened(image, run)


def reopen(task: dict[str, Any], key: dict[str, Any] | None = None) -> Opened:
    """Open source and network of a task, in any process.

    Parameters
    ----------
    task : dict
        The task that `begin` returned.
    key : dict, optional
        Key of the user's new request; by default, the task's key.

    Raises
    ------
    JournalError
        If source, weights or versions have changed, or the user asks for something else.
    ValueError, OSError
        If the source or the model cannot be read.
    """
    before = task["key"]
    if "path" not in before["source"]:
        raise JournalError(
            "the unfinished result was begun in napari, from a layer: continue it there, with its "
            "folder as Output"
        )
    before["settings"].setdefault("border", "zeros")  # older versions did not write this setting
    source = before["source"]
    image = open_lazy(Path(source["path"]), task["axes"])
    model = model_from_json(before["model"])
    network = cache.load(model)
    settings = settings_from_json(before["settings"])
    now = key_of(Path(source["path"]), image, model, network, settings)
    _refuse_changed_source(source, (now if key is None else key)["source"])
    changed = differences(before, now if key is None else key)
    if changed:
        raise JournalError(
            "the unfinished result belongs to another run, and cannot be resumed: "
            f"{'; '.join(changed)} (--overwrite starts again)"
        )
    fixed = task["fixed"]
    layout = layout_of(image.pixels.shape, image.pixels.dtype, image.axes)
    rows, columns = task["block"]
    grid = usual_grid(layout, network, settings, (rows, columns))
    low, high = fixed["values"]
    settings = fixed_as(settings, fixed)
    reader = BlockReader(image.pixels, grid, network.receptive_field)
    return Opened(image, BlockRun(reader, network, settings, ValueRange(low, high)))


def check_unchanged(task: dict[str, Any]) -> None:
    """Check that the source of a task has not changed since the task was begun.

    Parameters
    ----------
    task : dict
        The task that `begin` returned.

    Raises
    ------
    JournalError
        If the source has changed; the message names the file.
    ValueError, OSError
        If the source cannot be read.
    """
    before = task["key"]["source"]
    source = Path(before["path"])
    now = _source_as_json(source, open_lazy(source, task["axes"]))
    _refuse_changed_source(before, json.loads(json.dumps(now)))


def _refuse_changed_source(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise an error if the source at the same path has changed."""
    changed = differences(before, now, "source.")
    if not changed or before["path"] != now["path"] or before["axes"] != now["axes"]:
        return
    pairs = zip(before.get("parts", ()), now.get("parts", ()), strict=False)
    others = [str(old["path"]) for old, new in pairs if old != new]
    own = [one for one in changed if not one.startswith("source.parts")]
    file = before["path"] if own or not others else others[0]
    raise JournalError(
        f"{file} has changed since the result was begun, so the result would mix two images: "
        f"{'; '.join(changed)} (--overwrite starts again)"
    )


def weights_of(provenance: dict[str, Any]) -> list[str]:
    """Return the sha256 of each checkpoint of a network."""
    return [str(one["sha256"]) for one in checkpoints_in(provenance)]
