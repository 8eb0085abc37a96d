"""Recipes: trainings as TOML files, some of which ship with the package."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.files.toml_text import read_toml
from napari_sr.training.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RECIPES = Path(__file__).parent / "recipes"


class RecipeError(ValueError):
    """A recipe cannot be used; the message names the file, the key and the value."""


def names() -> list[str]:
    """Return the names of the recipes that ship."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def find(name: str | Path) -> Path:
    """Return the file of a recipe, named by its path or as a shipped recipe.

    Raises
    ------
    RecipeError
        If neither exists.
    """
    path = Path(os.path.expanduser(name))
    if path.is_file():
        return path
    shipped = RECIPES / f"{name}.toml"
    if str(name) in names():
        return shipped
    raise RecipeError(f"there is no recipe file {path}; these ship: {', '.join(names())}")


def read(name: str | Path) -> Config:
    """Read a recipe: a file, or a shipped recipe.

    Raises
    ------
    RecipeError
        If there is no such file, it is not TOML, or a key is missing, unknown or has a wrong
        value; the message names the file, the key, what is needed and what was given.
    """
    path = find(name)
    try:
        table = read_toml(path)
    except (ValueError, OSError) as error:
        raise RecipeError(f"{path} is not a readable recipe: {error}") from error
    return parse({"name": path.stem, **table}, str(path))


def parse(table: Mapping[str, Any], where: str) -> Config:
    """Make a training from nested tables, as TOML or JSON have them.

    Parameters
    ----------
    table : mapping
        Keys as in `config`.
    where : str
        The recipe's name in errors.

    Raises
    ------
    RecipeError
        As for `read`.
    """
    # imported here, because only recipes need pydantic
    from pydantic import TypeAdapter, ValidationError

    try:
        # through JSON: pydantic then turns arrays into tuples, and converts no other type
        text = json.dumps(table)
        return TypeAdapter(Config).validate_json(text, strict=True)
    except ValidationError as error:
        raise RecipeError("; ".join(_told(error.errors(), where))) from error
    except RecursionError as error:
        raise RecipeError(f"{where}: it is nested too deeply") from error
    except TypeError as error:
        raise RecipeError(f"{where}: a recipe holds numbers, texts and tables: {error}") from error


def as_table(config: Config) -> dict[str, Any]:
    """Return a training as nested tables that `parse` accepts."""
    table: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return {key: value for key, value in table.items() if value is not None}


def _told(errors: Iterable[Any], where: str) -> Iterable[str]:
    for one in errors:
        key = ".".join(str(part) for part in one["loc"]) or "recipe"
        if one["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            yield f"{where}: {key} is not a key of a recipe, got {_short(one['input'])}"
        elif one["type"] in ("missing", "missing_argument"):
            yield f"{where}: {key} is missing"
        elif one["type"] == "json_invalid":
            yield f"{where}: it is nested too deeply"
        elif one["type"] == "value_error":
            inside = str(one["ctx"]["error"])
            yield f"{where}: {inside}" if key == "recipe" else f"{where}: {key}: {inside}"
        else:
            need = one["msg"].removeprefix("Input should be ")
            yield f"{where}: {key} must be {need}, got {_short(one['input'])}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
