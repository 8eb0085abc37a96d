"""Convert a record to Python code and to a command line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.planning.settings import Settings
from napari_sr.files.image import white_of
from napari_sr.graph.factor import factor_in, in_words
from napari_sr.runs.record import as_toml, is_known
from napari_sr.runs.recorded import Recorded
from napari_sr.runs.weights_in_python import (
    blended_in_python,
    in_quotes,
    loaded_in_python,
    name_in_python,
    named,
    number_in_python,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IN, TOML = "IN.tif", "record.toml"
"""Placeholders for a source that is not a file, and for a record that must be saved first."""


def as_python(record: Mapping[str, Any]) -> str:
    """Return Python code that upscales the same pixels in the same way.

    The pixels of a layer are read from `viewer`, which napari's console has.

    Raises
    ------
    RecordError
        If the record does not hold all that is needed.
    """
    found = Recorded.of(record)
    lines = [*_imports(found), "", *_source(found), *_model(found)]
    lines += ["result = napari_sr.upscale(", *(f"    {one}," for one in _arguments(found)), ")"]
    if found.source_bits is not None and found.source_path is not None:
        lines.append(f"result = result.clip(max={2**found.source_bits - 1})")
    if found.kept is not None:
        spans = ", ".join(f"{first}:{after}" for first, after in found.kept)
        lines.append(f"result = result[{spans}]  # finished when the run was cancelled")
    return "\n".join([*lines, *(f"# {one}" for one in _remarks(found)), ""])


def _imports(found: Recorded) -> Iterator[str]:
    if found.is_file:
        yield from ("from pathlib import Path", "")
    if found.factor is not None and "Fraction" in number_in_python(found.factor):
        yield from ("from fractions import Fraction", "")
    yield "import napari_sr"
    if found.is_file:
        yield "from napari_sr.files.lazy import open_lazy"


def _source(found: Recorded) -> Iterator[str]:
    """Yield the lines that read the pixels, as an array of NumPy or similar."""
    shape = f"  # {found.source_shape} {found.source_dtype}" if found.source_shape else ""
    if found.is_file:
        axes = "" if found.source_axes is None else f", {in_quotes(found.source_axes)}"
        yield f"image = open_lazy(Path({in_quotes(found.source_path)}){axes}).pixels[:]{shape}"
    elif found.source is not None:
        level = ".data[0]" if found.source_multiscale else ".data"
        yield f"image = viewer.layers[{in_quotes(found.source)}]{level}{shape}"
        if found.source_path is not None:
            yield f"# opened from {found.source_path!r}"
    else:
        yield f"# image: the array that was upscaled{shape}"
    if found.plane is not None:
        yield f"image = image[{', '.join(f'{at}:{at + 1}' for at in found.plane)}]"


def _model(found: Recorded) -> Iterator[str]:
    """Yield the lines that load a model, if name and scale do not suffice."""
    if found.blended:
        yield "model = napari_sr.blend("
        yield from (f"    {one}," for one in blended_in_python(found))
        yield ")"
    elif found.series:
        yield f"model = napari_sr.series({', '.join(map(loaded_in_python, found.series))})"
    elif _needs_loading(found):
        yield f"model = {loaded_in_python(found.weights[0])}"


def _needs_loading(found: Recorded) -> bool:
    """Return whether name and scale do not suffice to load a single model."""
    shrunk = found.factor is not None and not is_known(vars(found.weights[0]))
    return bool(found.options) or found.full_range is not None or shrunk


def _arguments(found: Recorded) -> Iterator[str]:
    """Yield the arguments of `napari_sr.upscale`."""
    yield "image"
    if len(found.weights) > 1 or _needs_loading(found):
        yield "model"
    else:
        yield name_in_python(found.weights[0])
        if not is_known(vars(found.weights[0])):
            yield str(found.scale)
    if found.factor is not None:
        yield f"scale={number_in_python(found.factor)}"
    if found.axes is not None:
        yield f"axes={in_quotes(found.axes)}"
    for name, value in decided(found).items():
        yield f"{name}={in_quotes(value) if isinstance(value, str) else repr(value)}"
    if found.consistent:
        yield "consistent=True"
    if found.region is not None:
        yield f"region={found.region!r}"
    if found.axial is not None:
        yield f"axial={found.axial!r}"
        yield f"axial_by={in_quotes(found.axial_by)}"
    values = found.value_range
    if values is not None and values != _usual(found.source_dtype):
        yield f"value_range={values!r}"


def decided(found: Recorded) -> dict[str, Any]:
    """Return the settings needed to get the same pixels, without the value range.

    They always include device, tile and, on a CPU, engine, whose defaults depend on the machine.
    """
    chosen, usual = vars(found.settings), vars(Settings())
    always = {"tile", "device"} | ({"engine"} if found.settings.device == "cpu" else set())
    if found.settings.device == "cpu" and found.settings.precision == "float32":
        usual = {**usual, "precision": "float32"}  # the default on a CPU
    return {
        name: value
        for name, value in chosen.items()
        if name != "value_range" and value is not None and (name in always or value != usual[name])
    }


def _usual(dtype: str | None) -> tuple[float, float] | None:
    """Return the default range of a type, or None if it has none."""
    if dtype is None:
        return None
    kind = np.dtype(dtype)
    if kind.kind != "f" and kind.itemsize > 2:
        return None
    return (float(np.iinfo(kind).min) if kind.kind == "i" else 0.0, white_of(kind))


def _remarks(found: Recorded) -> Iterator[str]:
    if made := ", ".join(f"{name} {version}" for name, version in found.versions.items()):
        yield f"this returns the same pixels with {made}"
    for one in found.weights:
        if one.sha256:
            yield f"{one.model}: sha256 {one.sha256}"
    if (engine := found.settings.engine) != "torch":
        until = f"until {engine} has compiled the network, PyTorch computes"
        yield f"{until}: pixels may differ by rounding"
    if found.block is not None:
        rows, columns = found.block
        yield (
            f"it was computed in blocks of {rows} x {columns} px: whole planes may differ by "
            "rounding; napari_sr.run and napari-sr run compute blocks"
        )


def as_command(record: Mapping[str, Any]) -> str:
    """Return a command line that upscales the same pixels in the same way.

    It is `napari-sr upscale` for a whole file, or for a region of all its planes. It is `napari-sr
    run` if that command lacks an option: for a part of a layer, a single plane, or a blend of
    networks with different options.

    Raises
    ------
    RecordError
        If the record does not hold all that is needed.
    """
    found = Recorded.of(record)
    source = found.source_path or IN
    first, *others = found.weights
    if _needs_record(found):
        words = ["napari-sr", "run", TOML, *(() if found.source_path else ("--input", source))]
        return shlex.join([*words, "--output", out_name(found)])
    words = ["napari-sr", "upscale", source, out_name(found), "--model", named(first)]
    if found.factor is not None:
        words += ["--scale", found.factor]
    elif not is_known(vars(first)):
        words += ["--scale", str(found.scale)]
    if found.series:
        words += ["--then", named(others[0])]
    elif others:
        words += ["--blend", named(others[0]), "--weight", repr(found.weight)]
    words += ["--consistent"] if found.consistent else []
    for name, value in decided(found).items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    for name, value in first.options.items():
        words += ["--option", f"{name}={value}"]
    words += _range(found)
    if found.region is not None:
        words += ["--region", *(str(end) for span in found.region for end in span)]
    if found.axial is not None:
        words += ["--axial", repr(found.axial), "--axial-by", found.axial_by]
    axes = found.source_axes if found.is_file else found.axes
    return shlex.join([*words, *(("--axes", axes) if axes else ())])


def _needs_record(found: Recorded) -> bool:
    """Return whether `napari-sr upscale` lacks options that the run needs."""
    first, *others = found.weights
    different = any(one.options != first.options for one in others)
    # a file may need its own scale, but --scale is that of the result
    last = others[0] if found.series else first
    scaled = (bool(found.series) or found.factor is not None) and not is_known(vars(last))
    nested = any(one.blended or one.series for one in found.series)
    grey = any(one.full_range is not None for one in found.weights)
    texts = any(isinstance(value, str) for one in found.weights for value in one.options.values())
    one = found.plane is not None or found.kept is not None
    part = one or (found.region is not None and not found.is_file)
    blocks = found.block is not None and found.region is not None
    return part or different or scaled or nested or grey or texts or blocks


def _range(found: Recorded) -> list[str]:
    """Return the option for black and white, in values as the source stores them."""
    declared = found.settings.value_range
    if declared is None and not found.is_file and found.source_dtype != "uint8":
        declared = found.value_range  # the file may declare fewer bits
    if declared is None:
        return []
    return ["--value-range", *(f"{value:g}" if value == float(f"{value:g}") else repr(value)
                               for value in declared)]  # fmt: skip


def out_name(found: Recorded) -> str:
    """Return a name for the result's file, made from the names of source and model."""
    name = found.source or (PurePath(found.source_path).name if found.source_path else "OUT")
    stem = re.split(r"\.(?:ome\.)?\w{2,5}$", name)[0] if found.is_file else name
    model = Path(found.model).stem if not found.blended else f"blend-x{found.scale}"
    if found.factor is not None:
        model = f"{model.removesuffix(f'-x{found.scale}')}-x{in_words(factor_in(found.factor))}"
    safe = re.sub(r"[^\w.+-]+", "_", f"{stem}_{model}").strip("_")
    return f"{safe}.ome.zarr" if found.block is not None else f"{safe}.ome.tif"


FORMS = {"python": as_python, "command": as_command, "toml": as_toml}
"""The forms of a record, by name."""
