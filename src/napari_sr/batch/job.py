"""Records about upscaling files: the job, its options, its progress, and a folder's report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_sr.engine.image.digits import counted

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.ome_zarr.block_writer import Version
    from napari_sr.runs.axial import Axial
    from napari_sr.runs.model import ModelReference


@dataclass(frozen=True)
class FileJob:
    """Source, target, model and settings."""

    source: Path
    target: Path
    model: ModelReference
    settings: Settings
    axes: str | None = None
    """One letter per axis; None to take the axes that the file names."""
    overwrite: bool = False
    region: tuple[tuple[int, int], tuple[int, int]] | None = None
    """Rows and columns of each plane to upscale; None for all."""
    spread: Path | None = None
    """File of the spread over the eight views of an ensemble; None to write none."""
    maps: Path | None = None
    """Path of the map of differences from the source; None for no map."""
    axial: Axial | None = None
    """The enlargement along Z; None to leave the number of planes."""


@dataclass(frozen=True)
class BlockOptions:
    """Options for upscaling an image block by block."""

    resume: bool = False
    workers: int = 0
    """Number of worker processes on this machine; 0 to compute in this process."""
    scheduler: str | None = None
    """Address of a dask.distributed scheduler."""
    part: tuple[int, int] | None = None
    """The part to compute: its number, and the number of parts."""
    finish: bool = False
    """Whether to finish a result whose parts are all computed."""
    version: Version | None = None
    """Version of OME-Zarr to write; None for the newest."""

    @property
    def elsewhere(self) -> bool:
        """Whether other processes compute the blocks. If so, messages arrive only at the end."""
        return bool(self.workers) or self.scheduler is not None

    @property
    def asks(self) -> bool:
        """Whether an option requires blocks, even for a small image."""
        return self != BlockOptions()


TILES, BLOCKS, PARTS = "tiles", "blocks", "parts of the file"
"""Units of progress: tiles of an image in memory, blocks, and written parts of a TIFF."""


@dataclass(frozen=True)
class FileStep:
    """Progress of an image, a message about it, or both."""

    done: int = 0
    total: int = 0
    unit: str = ""
    """The unit of `done` and `total`: `TILES`, `BLOCKS` or `PARTS`; "" for a message alone."""
    message: str = ""
    """A sentence for the user."""
    about: str = ""
    """Name of the file that the message is about; "" if it is about the run."""


@dataclass
class FolderReport:
    """The outcome for each image of a folder."""

    total: int
    """Number of images."""
    made: list[str] = field(default_factory=list)
    """Images that this run upscaled."""
    kept: list[str] = field(default_factory=list)
    """Images that this run skipped because an earlier run had upscaled them."""
    failures: dict[str, str] = field(default_factory=dict)
    """Images that failed, and subfolders that could not be searched: path, and reason."""

    @property
    def done(self) -> int:
        """Number of images whose result exists."""
        return len(self.made) + len(self.kept)

    @property
    def counts(self) -> str:
        """One sentence: how many images were upscaled, done before, and failed."""
        counts = {
            "upscaled": len(self.made),
            "done before": len(self.kept),
            "failed": self.total - self.done,
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{counted(self.total, 'file')}: {told or 'none'}"

    @property
    def failed(self) -> list[str]:
        """A sentence for each failure."""
        return [f"Failed: {name}: {why}" for name, why in self.failures.items()]
