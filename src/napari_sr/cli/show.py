"""The command `napari-sr show`: print how the image in a file was computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.cli.model import CommandError
from napari_sr.graph.factor import factor_in
from napari_sr.graph.factor import in_words as told_factor
from napari_sr.runs.record import read_record
from napari_sr.runs.record_forms import FORMS
from napari_sr.runs.recorded import Recorded
from napari_sr.runs.words import shape_in_words, time_in_words
from napari_sr.zoo.provenance import checkpoints_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def text(path: Path, **forms: bool) -> str:
    """Return the record in a file as text, in words or in one of `FORMS`.

    Raises
    ------
    CommandError
        If more than one form is requested.
    RecordError
        If the file contains no record, or the record lacks what the form needs.
    """
    asked = [name for name, wanted in forms.items() if wanted]
    if len(asked) > 1:
        raise CommandError(f"give only one of {' and '.join(f'--{name}' for name in asked)}")
    record = read_record(path)
    return FORMS[asked[0]](record).rstrip("\n") if asked else "\n".join(in_words(record))


def in_words(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that describe a run in words.

    Raises
    ------
    RecordError
        If the record is incomplete.
    """
    found = Recorded.of(record)
    for name, told in (
        ("model", f"{found.model}, x{found.scale}{_shrunk(found)}"),
        *((f"sha256 of {one.model}", one.sha256) for one in found.weights),
        *_chosen(record),
        ("corrected", "by back-projection, to agree with its source" if found.consistent else ""),
        ("along Z", _along_z(found)),
        ("source", _source(found)),
        ("black and white", _listed(found.value_range)),
        ("settings", _settings(found)),
        ("engine", _engine(record)),
        ("versions", ", ".join(f"{name} {number}" for name, number in found.versions.items())),
        ("time", time_in_words(record["seconds"]) if "seconds" in record else ""),
    ):
        if told:
            yield f"{name}: {told}"
    yield from (f"note: {note}" for note in record.get("notes", ()))


def _shrunk(found: Recorded) -> str:
    """Return how much a result was shrunk after the network, or ""."""
    return "" if found.factor is None else f", shrunk to x{told_factor(factor_in(found.factor))}"


def _chosen(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield which weights of each file were chosen."""
    for one in checkpoints_in(record):
        whose = "" if one is record else f" of {one.get('model')}"
        yield f"chosen weights{whose}", _sentences(one.get("chosen_weights"))


def _along_z(found: Recorded) -> str:
    if found.axial is None:
        return ""
    return f"enlarged {found.axial:.6g} times by {found.axial_by}"


def _sentences(found: object) -> str:
    return " ".join(map(str, found)) if isinstance(found, list) else ""


def _source(found: Recorded) -> str:
    layer = "" if found.source is None else f"layer {found.source!r}"
    shape = f"{shape_in_words(found.source_shape)} {found.source_dtype or ''}".strip()
    parts = {
        "axes": found.axes,
        "plane": _listed(found.plane),
        "rows": _listed(found.region and found.region[0]),
        "columns": _listed(found.region and found.region[1]),
    }
    told = [layer, found.source_path or "", shape]
    told += [f"{name} {part}" for name, part in parts.items() if part]
    return ", ".join(filter(None, told))


def _listed(values: Any) -> str:
    return " to ".join(f"{value:g}" for value in values) if values else ""


def _settings(found: Recorded) -> str:
    told = [f"{name} {value}" for name, value in vars(found.settings).items() if value is not None]
    return ", ".join(one for one in told if not one.startswith(("value_range", "engine")))


def _engine(record: Mapping[str, Any]) -> str:
    engine = record.get("engine")
    name = engine.get("name") if isinstance(engine, dict) else record["settings"].get("engine")
    counts = engine.get("segments", {}) if isinstance(engine, dict) else {}
    used = [f"{count} by {one}" for one, count in counts.items() if count]
    return f"{name} (segments: {', '.join(used)})" if len(used) > 1 else str(name or "")
