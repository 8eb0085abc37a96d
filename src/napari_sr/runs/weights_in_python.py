"""Write the recorded checkpoints of a run as Python code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.graph.factor import exact_factor, factor_in, number_of
from napari_sr.runs.record import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.runs.recorded import Recorded, Weights


def blended_in_python(found: Recorded | Weights) -> Iterator[str]:
    """Yield the arguments of `napari_sr.blend`."""
    for one in found.blended:
        plain = not one.options and one.full_range is None
        yield name_in_python(one) if plain else loaded_in_python(one)
    yield repr(found.weight)
    yield str(found.scale)


def loaded_in_python(one: Weights) -> str:
    """Return the call that loads a checkpoint, a blend or a series."""
    if one.blended:
        return f"napari_sr.blend({', '.join(blended_in_python(one))})"
    if one.series:
        return f"napari_sr.series({', '.join(map(loaded_in_python, one.series))})"
    given = [name_in_python(one), str(one.scale)]
    if one.full_range is not None:
        given.append(f"full_range={one.full_range}")
    return f"napari_sr.load({', '.join([*given, *(f'{k}={v!r}' for k, v in one.options.items())])})"


def name_in_python(one: Weights) -> str:
    """Return the name or file of a checkpoint as Python code."""
    return in_quotes(named(one))


def named(one: Weights) -> str:
    """Return a known model's name, or the file of a checkpoint."""
    return one.model if is_known(vars(one)) or one.file is None else one.file


def in_quotes(value: object) -> str:
    """Return a string as Python code, in double quotes where these need no escapes."""
    code = repr(str(value))
    return code if '"' in code or "\\" in code or code[0] == '"' else f'"{code[1:-1]}"'


def number_in_python(text: str) -> str:
    """Return a recorded factor as Python code that `napari_sr.upscale` takes exactly."""
    factor = factor_in(text)
    number = repr(number_of(factor))
    return number if exact_factor(float(number)) == factor else f'Fraction("{text}")'
