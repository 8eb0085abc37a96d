"""Open one of our forms in a viewer's window, and find the open forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QWidget

PLUGIN = "napari-sr"
Form = TypeVar("Form", bound="QWidget")


def open_form(viewer: ViewerModel, name: str) -> Any:
    """Open a form of the plugin, or bring it to the front; return the form.

    Parameters
    ----------
    viewer : ViewerModel
        A viewer with a window.
    name : str
        The form's `display_name` in the manifest.
    """
    window: Any = viewer.window
    dock, form = window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    dock.show()
    dock.raise_()
    return form


def docked(viewer: ViewerModel, kind: type[Form]) -> list[Form]:
    """Return the forms of a class in the docks of a viewer's window."""
    window: Any = getattr(viewer, "window", None)
    docks = getattr(window, "dock_widgets", {})
    return [form for form in docks.values() if isinstance(form, kind)]
