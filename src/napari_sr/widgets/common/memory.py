"""Remember the user's choices in forms from one session to the next, in Qt's settings."""

from __future__ import annotations

import json
from typing import Any

from qtpy.QtCore import QSettings

PLACE = "napari-sr"
"""Name of the folder and of the file that hold the choices."""
_this_session: dict[str, dict[str, Any]] | None = None


def remember_nothing() -> None:
    """For the rest of this process, start without remembered choices, and save none."""
    global _this_session  # one setting for all forms
    _this_session = {}


def _settings() -> QSettings:
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, PLACE, PLACE)


def remembered(form: str) -> dict[str, Any]:
    """Return the remembered choices of a form; empty if there are none, or they cannot be read.

    Parameters
    ----------
    form : str
        Name of the form.
    """
    if _this_session is not None:
        return _this_session.get(form, {})
    try:
        found = json.loads(str(_settings().value(form, "{}")))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def remember(form: str, choices: dict[str, Any]) -> None:
    """Save choices of a form, in place of earlier ones.

    Parameters
    ----------
    form : str
        Name of the form.
    choices : dict
        Strings, numbers and booleans, by name.
    """
    if _this_session is not None:
        _this_session[form] = choices
        return
    _settings().setValue(form, json.dumps(choices, sort_keys=True))
