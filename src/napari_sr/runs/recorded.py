"""A recorded run as an object, after a check of the types in the record."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.engine.planning.settings import Settings
from napari_sr.graph.factor import factor_in
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import RecordError, is_known, plain
from napari_sr.zoo import registry
from napari_sr.zoo.provenance import checkpoints_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Weights:
    """A checkpoint that a record names; in a series also a blend, or another series."""

    model: str
    scale: int
    file: str | None = None
    sha256: str = ""
    options: dict[str, bool | int | float | str] = field(default_factory=dict)
    full_range: bool | None = None
    blended: tuple[Weights, ...] = ()
    weight: float = 0.0
    """Share of the second checkpoint in a blend."""
    series: tuple[Weights, ...] = ()

    @property
    def checkpoints(self) -> tuple[Weights, ...]:
        """The checkpoint itself, or those of a blend or a series."""
        several = self.blended or self.series
        return tuple(leaf for one in several for leaf in one.checkpoints) if several else (self,)

    def reference(self, folder: Path | None = None) -> ModelReference:
        """Return the model that a run loads.

        Parameters
        ----------
        folder : Path, optional
            Folder in which to look for a checkpoint if only its name is recorded.

        Raises
        ------
        RecordError
            If it is not a known model, and the file does not exist; or if it is a blend of blends
            or of networks in series.
        """
        if several := self.blended or self.series:
            if self.blended and any(one.checkpoints != (one,) for one in self.blended):
                raise RecordError("a blend of blends or of networks in series cannot be repeated")
            first, *others = (one.reference(folder) for one in several)
            return _joined(first, others, self.weight if self.blended else None)
        name: str | Path = self.model
        if not is_known(vars(self)):
            name = self._file(folder)
        return ModelReference(name, self.scale, tuple(self.options.items()), self.full_range)

    def _file(self, folder: Path | None) -> Path:
        """Return the file of the weights.

        Raises
        ------
        RecordError
            If the file does not exist.
        """
        places = [folder] if folder is not None else []
        for place in (*places, Path()):
            if self.file is not None and (place / self.file).is_file():
                return place / self.file
        own = f"the record needs {self.model} with sha256 {self.sha256 or 'unknown'}"
        try:
            entry = registry.find(self.model, self.scale)
        except ValueError:
            where = "" if folder is None else f" beside the record, in {folder}"
            raise RecordError(
                f"{own}, but there is no file {self.file or self.model}{where}"
            ) from None
        raise RecordError(f"{own}, but this version of napari-sr has {entry.sha256}")


def _joined(
    first: ModelReference, others: Sequence[ModelReference], weight: float | None
) -> ModelReference:
    """Return the reference to a blend, or to a series if there is no weight."""
    if not others:
        return first
    if weight is not None:
        return replace(first, second=others[0], weight=weight)
    if first.then is not None:  # the first is a series: three networks, one after the other
        return replace(first, then=_joined(first.then, others, None))
    return replace(first, then=others[0])


@dataclass(frozen=True)
class Decided:
    """The recorded settings of a run, with the decided value in place of each "auto"."""

    tile: int | None = None
    halo: int | None = None
    device: str = "auto"
    precision: str = "auto"
    value_range: tuple[float, float] | None = None
    kernels: str = "auto"
    outliers: str = "clip"
    ensemble: bool = False
    engine: str = "auto"
    border: str = "zeros"
    """See `Settings.border`. Older records lack it: planes then always had zeros beyond their
    border."""
    noise: float | tuple[float, ...] | None = None


@dataclass(frozen=True)
class Recorded:
    """A recorded run."""

    model: str
    scale: int
    settings: Decided
    file: str | None = None
    sha256: str = ""
    options: dict[str, bool | int | float | str] = field(default_factory=dict)
    full_range: bool | None = None
    blended: tuple[Weights, ...] = ()
    weight: float = 0.0
    """Share of the second checkpoint in a blend."""
    series: tuple[Weights, ...] = ()
    """The checkpoints of two networks in series."""
    factor: str | None = None
    """Enlargement of the result if it was shrunk, such as "5/2"; None if it is `scale`."""
    consistent: bool = False
    """Whether the result was made consistent with its source."""
    source: str | None = None
    """Name of the layer; None if the source was a file or an array."""
    source_path: str | None = None
    source_shape: tuple[int, ...] = ()
    source_dtype: str | None = None
    source_axes: str | None = None
    """The axes that the user named for a file, in stored order."""
    source_bits: int | None = None
    """Number of bits that the file declares; larger results become white."""
    source_file: dict[str, int | str] | None = None
    """Identity of the file."""
    source_multiscale: bool = False
    axes: str | None = None
    """One letter per axis of the pixels that were upscaled."""
    plane: tuple[int, ...] | None = None
    """Index of a single plane on the leading axes."""
    region: tuple[tuple[int, int], tuple[int, int]] | None = None
    """Rows and columns of a part of the plane: first, and after the last, of each."""
    kept: tuple[tuple[int, int], ...] | None = None
    """The part of the result that was finished when the run was cancelled: first index and index
    after the last for each axis."""
    block: tuple[int, int] | None = None
    """Rows and columns of a block, if the run computed blocks."""
    axial: float | None = None
    """Enlargement along Z, if any."""
    axial_by: str = "interpolation"
    value_range: tuple[float, float] | None = None
    """The pixel values of black and white."""
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Recorded:
        """Check a record, and return the run that it describes.

        Raises
        ------
        RecordError
            If a value is missing or has a wrong type.
        """
        # imported here, because only repeating a record needs pydantic
        from pydantic import TypeAdapter, ValidationError

        found = plain(record)
        unknown = sorted(set(found.get("settings", {})) - {one.name for one in fields(Decided)})
        if unknown:
            raise RecordError(f"a record's settings have no {', '.join(unknown)}")
        try:
            # as JSON, because pydantic then turns arrays into tuples, but converts no other type
            return TypeAdapter(cls).validate_json(json.dumps(found), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            told = first["msg"].removeprefix("Input should be ")
            missing = first["type"] in ("missing", "missing_argument")
            what = "is missing" if missing else f"must be {told}, got {first['input']!r:.60}"
            raise RecordError(f"the record cannot be repeated: its {key} {what}") from error

    @property
    def weights(self) -> tuple[Weights, ...]:
        """The checkpoints: one, or those of a blend or a series."""
        return self._whole.checkpoints

    @property
    def _whole(self) -> Weights:
        return Weights(**{one.name: getattr(self, one.name) for one in fields(Weights)})

    @property
    def is_file(self) -> bool:
        """Whether the source was a file, not a layer or an array."""
        return self.source is None and self.source_path is not None

    def reference(self, folder: Path | None = None) -> ModelReference:
        """Return the reference to the model; see `Weights.reference`.

        Raises
        ------
        RecordError
            If a checkpoint cannot be found.
        """
        found = replace(self._whole.reference(folder), consistent=self.consistent)
        return found if self.factor is None else replace(found, factor=factor_in(self.factor))

    def chosen(self) -> Settings:
        """Return the settings of the run; a declared range is in values of the source."""
        return Settings(**vars(self.settings))

    def check_weights(self, network: Network) -> None:
        """Raise a RecordError that names both, if a network's weights are not the record's."""
        for one, now in zip(self.weights, checkpoints_in(network.provenance), strict=False):
            if one.sha256 and now.get("sha256") != one.sha256 and not is_known(vars(one)):
                raise RecordError(
                    f"the record needs weights of {one.model} with sha256 {one.sha256}, but "
                    f"{now.get('file', 'this network')} has {now.get('sha256')}"
                )

    def other_versions(self) -> str:
        """Return a sentence on versions that differ from the record's; "" if none differ."""
        from napari_sr.engine.execution.run_record import versions  # imports torch

        now = versions()
        told = [
            f"{name} {then} (now {now.get(name, 'none')})"
            for name, then in self.versions.items()
            if now.get(name) != then
        ]
        return f"the record was made with {', '.join(told)}: pixels may differ" if told else ""
