"""Read and check the options of `napari-sr upscale` for large images, and for Z."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.cli.model import CommandError
from napari_sr.runs.typed_number import number_in, unclear

if TYPE_CHECKING:
    from napari_sr.batch.job import BlockOptions
    from napari_sr.files.ome_zarr.block_writer import Version
    from napari_sr.runs.axial import Axial


def check_options(options: BlockOptions, *, overwrite: bool = False) -> None:
    """Raise an error if options contradict each other.

    Parameters
    ----------
    options : BlockOptions
        Options for large images.
    overwrite : bool
        Whether to replace an existing result.

    Raises
    ------
    CommandError
        If options contradict each other.
    """
    given = {
        "--workers": bool(options.workers),
        "--scheduler": options.scheduler is not None,
        "--part": options.part is not None,
        "--finish": options.finish,
    }
    if options.part is not None and overwrite:
        part = "{}/{}".format(*options.part)
        raise CommandError(
            f"--part {part} and --overwrite exclude each other, because a part would remove the "
            "results of other parts: remove OUT before you start the parts"
        )
    names = [name for name, so in given.items() if so]
    if len(names) > 1:
        raise CommandError(f"give only one of {' and '.join(names)}")


def read_axial(text: str | None, by: str | None) -> Axial | None:
    """Return the enlargement along Z that the options give; None if they give none.

    Raises
    ------
    CommandError
        If the enlargement is no number, or only the way is given.
    """
    if text is None:
        if by is not None:
            raise CommandError(f"--axial-by {by} needs --axial with the enlargement along Z")
        return None
    from napari_sr.runs.axial import CUBES, Axial  # imports torch

    way = Axial.by if by is None else by
    if text.lower() == "cubes":
        return Axial(CUBES, way)
    try:
        return Axial(number_in(text), way)
    except ValueError:
        if reason := unclear(text):
            raise CommandError(f"--axial: {reason}") from None
        raise CommandError(f"--axial needs a number or cubes, got {text!r}") from None


def read_version(text: str | None) -> Version | None:
    """Read the version of OME-Zarr from the value of an option.

    Raises
    ------
    CommandError
        If the version cannot be written.
    """
    versions: dict[str | None, Version | None] = {None: None, "0.4": "0.4", "0.5": "0.5"}
    if text in versions:
        return versions[text]
    raise CommandError(f"--ome-zarr must be 0.4 or 0.5, got {text}")


def read_part(text: str | None) -> tuple[int, int] | None:
    """Read I and N from a text I/N.

    Raises
    ------
    CommandError
        If I and N are not whole numbers with 1 <= I <= N.
    """
    if text is None:
        return None
    index, _, count = text.partition("/")
    if index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count):
        return int(index), int(count)
    raise CommandError(f"--part needs I/N with I from 1 to N, such as 3/8, got {text!r}")
