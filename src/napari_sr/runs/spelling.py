"""Spell the keywords of our functions as users of commands and of forms know them.

Most messages name an argument as Python does, `scale=2`, because functions raise them. A command
spells it `--scale 2`, and a form names its field, *Scale 2*. The words are replaced where a message
is shown, so that functions need not know who called them.
"""

from __future__ import annotations

import re
import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Spell = Callable[[str, str], str]

UNSEEN = ("input_range", "res_scale", "slope")
"""Options of networks that a checkpoint may not show, so that messages ask for them."""
FIELDS = MappingProxyType(
    {
        "scale": "Scale",
        "pixel_size": "pixel size",
        "value_range": "Values",
        "black": "Black",
        "white": "White",
        "axes": "axes",
        "tile": "Tile",
        "region": "Region",
        "device": "Device",
        "precision": "Precision",
        "engine": "Engine",
        "kernels": "kernels",
        "outliers": "Outliers",
        "ensemble": "Ensemble",
        "consistent": "Consistent",
        "border": "Border",
        "noise": "Noise",
        "axial": "Enlargement",
        "axial_by": "Method",
        "read_noise": "Read noise",
        "pattern": "Files",
        "to": "Format",
        "resume": "Run",
        "overwrite": "another folder",
        **{name: name.replace("_", " ") for name in UNSEEN},
    }
)
"""What forms call an argument or an option: the label of its field or button, or other words."""

_WORD = r"(?<![^\s(])(?<!\w\()"  # quoted texts and the names of files are the user's own words
_VALUE = r"""'[^']*'|"[^"]*"|\([^()]*\)|True|False|None|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"""
_GIVEN = re.compile(rf"{_WORD}([a-z_]+)=({_VALUE})?(?=[\s,;:)]|\.(?![\w.])|$)")
_NAMED = re.compile(rf"{_WORD}([a-z]+(?:_[a-z]+)+)(?=[\s,;:)]|$)(?! \(--)")
_OPTION = re.compile(rf"{_WORD}--([a-z]+(?:-[a-z]+)*)\b")


def as_options(message: str, options: Mapping[str, str]) -> str:
    """Return a message for users of a command.

    Parameters
    ----------
    message : str
        The message, with arguments as in Python.
    options : mapping of str to str
        The command's options by the names of the arguments. Others are not replaced.

    Examples
    --------
    >>> as_options("give scale=, or axes='ZYX'", {"scale": "--scale", "axes": "--axes"})
    'give --scale, or --axes ZYX'
    """

    def spell(name: str, value: str) -> str:
        if name not in options:
            return f"{options['option']} {name}={value}"
        several = value[1:-1].replace(",", "") if value.startswith("(") else value
        return _joined(options[name], several)

    known = {*options, *(UNSEEN if "option" in options else ())}
    return _respelled(message, known, spell)


def as_fields(message: str) -> str:
    """Return a message for users of a form.

    Examples
    --------
    >>> as_fields("fsrcnn-x3 upscales 3 times, got scale=2")
    'fsrcnn-x3 upscales 3 times, got Scale 2'
    >>> as_fields("finished blocks are kept, and --resume continues")
    'finished blocks are kept, and Run continues'
    """
    told = _respelled(message, FIELDS, lambda name, value: _joined(FIELDS[name], value))
    return _OPTION.sub(lambda match: FIELDS.get(match[1].replace("-", "_"), match[0]), told)


def _joined(shown: str, value: str) -> str:
    return f"{shown} {value}".rstrip()


def _respelled(message: str, known: Mapping[str, str] | set[str], spell: Spell) -> str:
    """Replace the known arguments in a message."""

    def given(match: re.Match[str]) -> str:
        name, value = match[1], match[2] or ""
        if name not in known:
            return match[0]
        if value in ("True", "False", "None"):  # an option or a box that is set, or is not
            return spell(name, "") if value == "True" else f"no {spell(name, '')}"
        is_quoted = value[:1] in ("'", '"')
        return spell(name, shlex.quote(value[1:-1]) if is_quoted else value)

    def named(match: re.Match[str]) -> str:
        return spell(match[1], "") if match[1] in known else match[0]

    return _NAMED.sub(named, _GIVEN.sub(given, message))
