"""Build the components that a recipe names: losses, degradations, networks, critics."""

from __future__ import annotations

import dataclasses
import inspect
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.training.component import ComponentSpec


def named(package: str, record: str, kind: str, key: str) -> Any:
    """Return a component's record: the constant `record` of the module `kind` in a package.

    Raises
    ------
    ValueError
        If there is no such module or record; the message names the recipe's key.
    """
    path = import_module(package).__path__
    found = sorted(one.name for one in pkgutil.iter_modules(path) if one.name[0] != "_")
    if kind in found:
        value = getattr(import_module(f"{package}.{kind}"), record, None)
        if value is not None:
            return value
    known = [one for one in found if hasattr(import_module(f"{package}.{one}"), record)]
    raise ValueError(f"{key} must be one of {', '.join(known)}, got {kind!r}")


def make(build: Callable[..., Any], part: ComponentSpec, key: str, **given: Any) -> Any:
    """Call a constructor with a recipe's options and further arguments.

    Tables become the dataclasses that the constructor expects; lists become tuples.

    Raises
    ------
    ValueError
        If an option is unknown, given twice, or wrong; the message names the recipe's key.
    """
    known = [name for name in inspect.signature(build).parameters if name not in given]
    for name, value in part.options.items():
        if name not in known:
            raise ValueError(
                f"{key}.options.{name} must be an option of {part.kind} "
                f"({', '.join(known) or 'it has none'}), got {name} = {value!r}"
            )
    try:
        options = {name: _typed(build, name, value) for name, value in part.options.items()}
        return build(**options, **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key}: {part.kind}: {error}") from error


def _typed(build: Callable[..., Any], name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict) or not dataclasses.is_dataclass(build):
        return value
    wanted = get_type_hints(build)[name]
    return wanted(**{key: _typed(wanted, key, one) for key, one in value.items()})
