"""The user's preferences in napari's dialog *Preferences*, under the name of this plugin.

`napari.yaml` declares the preferences. Before napari 0.9, the dialog does not show them, and the
defaults apply.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from napari_sr.zoo.download import CACHE_VARIABLE

PLUGIN = "napari-sr"


def preference(group: str, name: str, default: str) -> str:
    """Return a preference, or the default where napari has none.

    Parameters
    ----------
    group, name : str
        Keys in `napari.yaml`, under `configurations`.
    default : str
        The default in `napari.yaml`, also returned if napari is too old, or this plugin is not
        registered.
    """
    if _is_unchanged():
        return default
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return default
    try:
        settings: Any = get_plugin_settings(PLUGIN)
    except KeyError:
        return default
    found = getattr(getattr(settings, group, None), name, default)
    return str(getattr(found, "value", found))


def _is_unchanged() -> bool:
    """Return whether the user has never changed a preference: napari saves each change at once.

    To look one up, napari reads the manifests of all plugins, which delays the first form by 70 ms
    of processor time.
    """
    import napari.settings

    path = str(getattr(napari.settings, "_CFG_PATH", None) or "")
    return bool(path) and not Path(path).with_name(f"{PLUGIN}.yaml").exists()


def use_cache_folder() -> None:
    """Save downloads in the preferred folder, unless an environment variable names a folder."""
    folder = preference("files", "cache_folder", "").strip()
    if folder:
        os.environ.setdefault(CACHE_VARIABLE, os.path.expanduser(folder))
