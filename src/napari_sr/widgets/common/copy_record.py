"""Copy the record of a result to the clipboard, from the layer menu or a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from napari.viewer import Viewer  # noqa: TC002  # napari passes the viewer by this type
from qtpy.QtWidgets import QApplication

from napari_sr.runs.record import RecordError
from napari_sr.widgets.common.layer_source import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel

WORDS = {"python": "Python code", "command": "a command line", "toml": "TOML"}
"""Names of a record's forms in messages."""


def copy_as(form: str, name: str, record: Mapping[str, Any]) -> str:
    """Copy a record to the clipboard; return a sentence for the user.

    Parameters
    ----------
    form : str
        A key of `WORDS`.
    name : str
        Name of the result's layer.
    record : mapping
        The record of that result.

    Raises
    ------
    RecordError
        If the record lacks what the form needs.
    """
    from napari_sr.runs.record_forms import FORMS  # brings all formats of files

    text, clipboard = FORMS[form](record), QApplication.clipboard()
    if clipboard is None:
        return "This system has no clipboard."
    clipboard.setText(text)
    return f"Copied how {name} was made, as {WORDS[form]}."


def copy_python(viewer: Viewer) -> None:
    """Copy how the active layer was made, as Python code."""
    _copy("python", viewer)


def copy_command(viewer: Viewer) -> None:
    """Copy how the active layer was made, as a command line."""
    _copy("command", viewer)


def copy_toml(viewer: Viewer) -> None:
    """Copy how the active layer was made, as TOML."""
    _copy("toml", viewer)


def _copy(form: str, viewer: ViewerModel) -> None:
    layer = viewer.layers.selection.active
    if layer is None:
        show_warning("Select one upscaled layer, and try again.")
        return
    record = layer.metadata.get(METADATA_KEY)
    if not isinstance(record, dict):
        show_warning(
            f"The layer {layer.name} has no record: select a layer that napari-sr upscaled."
        )
        return
    try:
        show_info(copy_as(form, layer.name, record))
    except RecordError as error:
        show_warning(f"The layer {layer.name}: {error}.")
