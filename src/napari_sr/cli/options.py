"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from napari_sr.runs.typed_number import number_in

Given = TypeVar("Given", str, Path, None)


def at_home(given: Given) -> Given:
    """Replace a leading "~" by the home folder, because some shells do not."""
    if given is None:
        return given
    # unlike Path.expanduser, this does not fail at "~name" if there is no such user
    return type(given)(os.path.expanduser(given))


def number(text: str | float) -> float:
    """Return the number that an option gives; a default is a number already.

    Raises
    ------
    typer.BadParameter
        If the text is no number.
    """
    try:
        return number_in(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def time_span(text: str | float) -> float:
    """Return the number that an option gives, if it is at least 0.

    Raises
    ------
    typer.BadParameter
        If it is not.
    """
    found = number(text)
    if not found >= 0:
        raise typer.BadParameter(f"a number of at least 0 is needed, got {text!r}")
    return found


ABOUT_MODELS = "A name that `napari-sr models` lists, or a checkpoint file."
"""Help on the options that name a model."""

Model = Annotated[str | None, typer.Option(callback=at_home, help=ABOUT_MODELS)]
ModelArgument = Annotated[str, typer.Argument(callback=at_home, help=ABOUT_MODELS)]
Scale = Annotated[
    int | None,
    typer.Option(help="How many times larger; needed if the model exists for several scales."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Options = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="Option of a checkpoint's network, such as res_scale=0.1."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")]
