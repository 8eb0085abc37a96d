"""Import the modules of all forms in a thread, once a first form is shown.

Each form imports up to 150 modules, which takes the window's thread up to 150 ms; so only the first
form that a user opens has to wait for them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from npe2 import PluginManager

from napari_sr.runs.first_import import importing
from napari_sr.widgets.common.open_form import PLUGIN
from napari_sr.widgets.common.worker import call_in_thread


@cache
def preload_forms() -> None:
    """Import the modules of all forms in a thread; later calls do nothing."""
    call_in_thread(_import_forms, engine=False)


def form_modules() -> list[str]:
    """Return the modules of the forms in the manifest; none if the plugin is not registered."""
    manager = PluginManager.instance()
    if PLUGIN not in manager:
        return []
    found = manager.get_manifest(PLUGIN).contributions
    forms = {each.command for each in found.widgets or ()}
    names = (one.python_name for one in found.commands or () if one.id in forms)
    return [str(name).partition(":")[0] for name in names if name]


def _import_forms() -> None:
    for module in form_modules():
        with importing():
            import_module(module)
