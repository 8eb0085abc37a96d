"""The command `napari-sr run`: repeat a recorded run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.batch.by_blocks import wanted
from napari_sr.batch.job import BlockOptions, FileJob
from napari_sr.cli import axial, large, part, terminal, upscale
from napari_sr.cli.model import CommandError, load
from napari_sr.runs.axial import Axial
from napari_sr.runs.record import read_record
from napari_sr.runs.recorded import Recorded
from napari_sr.runs.repeat_source import source_of, source_path
from napari_sr.streaming.repeat import repeat

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.graph.network import Network
    from napari_sr.runs.repeat_source import RepeatSource

TOML = ".toml"


@dataclass(frozen=True)
class Again:
    """The command's arguments: the record, and the paths of source and result."""

    record: Path
    source: Path | None = None
    """The image to upscale; None for the file that the record names."""
    target: Path | None = None
    """Path of the result; None to write an OME-TIFF beside `record`, which must then be TOML."""
    overwrite: bool = False


def run(again: Again) -> None:
    """Repeat a recorded run, and write the result.

    Raises
    ------
    CommandError, ValueError, OSError, napari_sr.zoo.download.DownloadError
        If there is no record or no source, the weights are not those of the record, or the result
        cannot be written.
    """
    found = Recorded.of(read_record(again.record))
    folder = again.record.absolute().parent
    target = again.target or _usual_target(again.record)
    path = source_path(found, folder) if again.source is None else again.source
    source = source_of(found, again.source, folder)
    reference = found.reference(folder)
    with terminal.bars() as bars, terminal.warnings_as_lines(bars):
        network = load(reference, bars)
        found.check_weights(network)
        for told in (found.other_versions(), source.changed):
            terminal.tell(bars, f"Warning: {told}" if told else "", again.record.name)
        if found.axial is not None and found.is_file:
            job = FileJob(
                path, target, reference, found.chosen(), found.source_axes, again.overwrite,
                found.region,
            )  # fmt: skip
            along_z = Axial(found.axial, found.axial_by)
            axial.run(job, along_z, BlockOptions(), bars, network, found.block)
            return
        if found.plane is not None or found.region is not None or not found.is_file:
            _part(found, network, source, again, target, bars)
            return
        axes = found.source_axes
        job = FileJob(path, target, reference, found.chosen(), axes, again.overwrite)
        how = BlockOptions() if found.block is None else BlockOptions(version="0.5")
        if not wanted(path, target, how, network.scale):
            upscale.run_whole(job, bars, network)
            return
        if found.block is None:
            whole = "the recorded run computed whole planes, but this run computes blocks"
            terminal.tell(bars, f"{whole}: pixels may differ by rounding", again.record.name)
        large.run(job, how, bars, network)


def _usual_target(record: Path) -> Path:
    """Return the default path of the result.

    Raises
    ------
    CommandError
        If `record` is a result itself, not a TOML file.
    """
    if record.suffix.lower() != TOML:
        raise CommandError(f"{record} is a result itself: name another file with --output")
    return record.with_suffix(".ome.tif")


def _part(
    found: Recorded, network: Network, source: RepeatSource, again: Again, target: Path, bars: Bars
) -> None:
    """Repeat a run on a layer, or on a part of a file, and write its result."""
    part.check_target(target, source.image, source.path, overwrite=again.overwrite)
    part.write(repeat(found, network, source), target, bars, overwrite=again.overwrite)
