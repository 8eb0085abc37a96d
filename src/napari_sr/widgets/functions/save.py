"""The form *Save a layer*, which writes an OME-TIFF or OME-Zarr in a worker.

napari's own *Save Selected Layers* writes the same files, but blocks the window while it does.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image  # noqa: TC002  # magicgui reads the functions' types

from napari_sr.files.image import FileError
from napari_sr.runs.job import Step, named_errors
from napari_sr.runs.run import drive
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.function_form import FunctionFields, LayersForm
from napari_sr.widgets.common.layer_source import is_result
from napari_sr.widgets.common.remembered_gui import RememberedGui

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.components import ViewerModel

    from napari_sr.writer import FullLayerData

TIFF, ZARR = (".tif", ".tiff", ".btf", ".tf8"), ".zarr"
"""Suffixes of the files that can be written."""
USUAL = ".ome.tif"
"""Suffix that is added to a path without one."""


def save_layer(layer: Image, path: Path, overwrite: bool = False) -> Path:
    """Save an image layer with its pixel size, position, channels, colour and record.

    Parameters
    ----------
    layer : Image
        The layer.
    path : Path
        The file: .ome.tif or .ome.zarr. Without a suffix, it becomes an OME-TIFF.
    overwrite : bool
        Whether to replace an existing file. Folders are never replaced.

    Returns
    -------
    Path
        The file or folder that was written.

    Raises
    ------
    FileError
        If the file exists, cannot be written, or cannot hold the layer.
    """
    return drive(save_steps(layer.as_layer_data_tuple(), layer.name, path, overwrite))


def save_steps(
    data: FullLayerData, name: str, path: Path, overwrite: bool
) -> Generator[Step, None, Path]:
    """Save the data of a layer in a worker; closing the generator cancels, and leaves no file."""
    path = completed(path)
    return (yield from named_errors(_saved(data, path, overwrite), name))


def _saved(data: FullLayerData, path: Path, overwrite: bool) -> Generator[Step, None, Path]:
    from napari_sr.files.ome_zarr.folder import discard  # late: imports writers of files
    from napari_sr.writer import write_steps

    existed, complete = path.exists(), False
    try:
        with closing(write_steps(path, [data], overwrite=overwrite)) as steps:
            for done, total in steps:
                yield Step(done, total, f"Saving {path.name}: part {done} of {total}")
        complete = True
    finally:
        if not complete and not existed and path.suffix.lower() == ZARR and path.exists():
            discard(path)
    return path


def completed(path: Path) -> Path:
    """Add a suffix to a path that has none.

    Raises
    ------
    FileError
        If the path names no file or no user, or has a suffix whose format cannot be written.
    """
    try:
        path = Path(path).expanduser()
    except RuntimeError as error:  # ~name without such a user, also while the path is being typed
        raise FileError(f"{path} begins with ~, and there is no such user") from error
    if path.name in ("", ".."):
        raise FileError(f"{path} is a folder: add the name of a file")
    if not path.suffix:
        return path.with_name(path.name + USUAL)
    if path.suffix.lower() not in (*TIFF, ZARR):
        raise FileError(f"{path.name} must end in .ome.tif or .ome.zarr")
    return path


class SaveWidget(LayersForm):
    """Save an image layer in the background.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        options: dict[str, dict[str, Any]] = {
            "layer": {"label": "Layer"},
            "path": {
                "label": "File", "mode": "w", "nullable": True,
                "filter": "OME-TIFF (*.ome.tif);;OME-Zarr (*.ome.zarr)",
            },
            "overwrite": {"label": "Replace an existing file"},
        }  # fmt: skip
        gui = RememberedGui(save_layer, options, forgotten=("path", "overwrite"))
        fields = FunctionFields(gui, "Save", icon="save")
        fields.run.setToolTip("Write the file in the background.")
        fields.stop.setToolTip("Stop, and leave no file.")
        super().__init__(napari_viewer, fields, "Save a layer", ("layer",))
        newest = [layer for layer in self._images() if is_result(layer)][-1:]
        if newest:
            gui.layer.value = newest[0]

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        if values["layer"] is None:
            return {"layer": "Open an image layer first."}
        if values["path"] is None:
            return {"path": "Choose a file; its suffix, .ome.tif or .ome.zarr, sets the format."}
        try:
            completed(values["path"])
        except FileError as error:
            return {"path": error_in_words(error)}
        return {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        path, layer = completed(values["path"]), values["layer"]
        typed = Path(values["path"]).expanduser()
        if typed != path and typed.is_dir():
            self.form.status.say(f"{typed} is a folder: add the name of a file.")
            return None
        if path.exists() and (path.is_dir() or not values["overwrite"]):
            tick = "" if path.is_dir() else "tick the box to replace it, or "
            self.form.status.say(f"{path.name} exists: {tick}choose another name.")
            return None
        data = layer.as_layer_data_tuple()
        return save_steps, (data, layer.name, values["path"], values["overwrite"])

    def _show_result(self, result: Path) -> None:
        self.form.status.say(f"Saved {result}.")

    def _show_cancelled(self) -> None:
        self.form.status.say("Cancelled. No file was written.")
