"""The user's preferences in napari's dialog *Preferences*, under the name of this plugin.

`napari.yaml` declares them. Older versions than napari 0.9 have no such dialog: they use the
defaults.
"""

from __future__ import annotations

import os
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
        The value if napari is too old, or this plugin is not registered.
    """
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


def use_cache_folder() -> None:
    """Keep downloads in the preferred folder, unless the environment names one."""
    folder = preference("files", "cache_folder", "").strip()
    if folder:
        os.environ.setdefault(CACHE_VARIABLE, os.path.expanduser(folder))
