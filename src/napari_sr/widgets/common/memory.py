"""Remember the user's choices in forms from one session to the next, in Qt's settings."""

from __future__ import annotations

import json
import os
from typing import Any

from qtpy.QtCore import QSettings

PLACE = "napari-sr"
"""Name of the folder and of the file that store the choices."""
_KIND = QSettings.Format.IniFormat, QSettings.Scope.UserScope


def remember_nothing() -> None:
    """For the rest of this process, neither read nor save choices."""
    QSettings.setPath(*_KIND, os.devnull)  # no file can exist below this path


def _settings() -> QSettings:
    return QSettings(*_KIND, PLACE, PLACE)


def remembered(form: str) -> dict[str, Any]:
    """Return the remembered choices of a form; empty if there are none, or they cannot be read.

    Parameters
    ----------
    form : str
        Name of the form.
    """
    try:
        found = json.loads(str(_settings().value(form, "{}")))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def remember(form: str, choices: dict[str, Any]) -> None:
    """Save choices of a form; they replace earlier ones.

    Parameters
    ----------
    form : str
        Name of the form.
    choices : dict
        Strings, numbers and booleans, by name.
    """
    _settings().setValue(form, json.dumps(choices, sort_keys=True))
