"""Recipes: TOML files with the settings of a training run. Some ship with the package."""

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
    """Return the file of a recipe, given its path or the name of a shipped recipe.

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
    """Convert nested tables, read from TOML or JSON, to the settings of a training run.

    Parameters
    ----------
    table : mapping
        Keys as in `config`.
    where : str
        Name of the recipe in error messages.

    Raises
    ------
    RecipeError
        As for `read`.
    """
    # imported here, because only recipes need pydantic
    from pydantic import TypeAdapter, ValidationError

    try:
        # from JSON, pydantic converts arrays to tuples even if strict, and converts nothing else
        text = json.dumps(table)
        return TypeAdapter(Config).validate_json(text, strict=True)
    except ValidationError as error:
        raise RecipeError("; ".join(_told(error.errors(), where))) from error
    except RecursionError as error:
        raise RecipeError(f"{where}: the recipe is nested too deeply") from error
    except TypeError as error:
        raise RecipeError(
            f"{where}: a recipe may contain only numbers, strings, arrays and tables: {error}"
        ) from error


def as_table(config: Config) -> dict[str, Any]:
    """Convert settings to nested tables that `parse` accepts."""
    table: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return {key: value for key, value in table.items() if value is not None}


def _told(errors: Iterable[Any], where: str) -> Iterable[str]:
    for one in errors:
        key = ".".join(str(part) for part in one["loc"]) or "recipe"
        if one["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            yield f"{where}: recipes have no key {key}, got {_short(one['input'])}"
        elif one["type"] in ("missing", "missing_argument"):
            yield f"{where}: {key} is missing"
        elif one["type"] == "json_invalid":
            yield f"{where}: the recipe is nested too deeply"
        elif one["type"] == "value_error":
            inside = str(one["ctx"]["error"])
            yield f"{where}: {inside}" if key == "recipe" else f"{where}: {key}: {inside}"
        else:
            need = one["msg"].removeprefix("Input should be ")
            yield f"{where}: {key} must be {need}, got {_short(one['input'])}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
