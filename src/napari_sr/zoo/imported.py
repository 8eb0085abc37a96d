"""Checkpoint files that the user imported: unchanged copies in the folder of the user's networks.

Each copy has a description: a JSON file beside it, whose name ends with `DESCRIPTION`. It contains
what our recognition found, so that networks can be listed without torch. Anyone can write such a
file, so each value is checked before use. A description is ignored if its file has another size.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.atomic_write import atomic_write
from napari_sr.zoo import trained
from napari_sr.zoo.card import LARGEST_SCALE, number_in, options_in, text_in
from napari_sr.zoo.model_card import NO_CARD, ModelCard, card_from

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTION = ".import.json"
"""Ending that is added to a file's name to name its description."""
LONGEST = 1 << 16
"""Largest size of a description in bytes."""


@dataclass(frozen=True)
class Description:
    """Facts about an imported file."""

    origin: str
    """Name of the file that was imported."""
    sha256: str
    """SHA-256 of the file."""
    size: int
    """Size of the file in bytes."""
    architecture: str
    """Name of the network as in `models.names`, or its title if the network is spandrel's."""
    summary: str
    """One sentence for people who choose a model."""
    scales: tuple[int, ...]
    """The network's scales, or scales to choose from if the file does not show its scale."""
    scale_is_known: bool
    """False if the user must choose one of `scales`."""
    parameters: int
    """Number of values in all tensors of the file."""
    grey: bool = False
    """Whether the network was trained on full-range grey instead of luma."""
    questions: dict[str, float | None] = field(default_factory=dict)
    """Options to ask the user for, because they cannot be inferred from the tensors, with their
    usual values."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options from the file's card."""
    remarks: tuple[str, ...] = ()
    """Sentences on which of the file's weights were chosen, and what was ignored."""
    card: ModelCard = NO_CARD
    """The file's card when it was imported."""
    other_unit: bool = False
    """Whether results may have another unit than the image."""


@dataclass(frozen=True)
class Imported:
    """An imported file."""

    path: Path
    about: Description

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def files() -> list[Imported]:
    """Return the imported files by name."""
    try:
        found = sorted(trained.folder().glob(f"*{DESCRIPTION}"), key=lambda one: one.name.lower())
    except OSError:  # unreadable
        return []
    read = (_read(path) for path in found)
    return [one for one in read if one is not None]


def twin_of(sha256: str, size: int) -> Path | None:
    """Return the file with this content in the folder of the user's networks, or None."""
    return next((path for path in _files_of(size) if _sha256(path) == sha256), None)


def free_path(name: str) -> Path:
    """Return an unused path in the folder of the user's networks, similar to a file's name."""
    suffix = Path(name).suffix
    stem, count = trained.plain_name(Path(name).stem), 1
    path = trained.folder() / f"{stem}{suffix}"
    while path.exists():
        count += 1
        path = trained.folder() / f"{stem} ({count}){suffix}"
    return path


def keep(source: Path, path: Path, sha256: str) -> None:
    """Copy a file into the folder of the user's networks.

    Parameters
    ----------
    source, path : Path
        The file, and the path of its copy, which must not exist yet.
    sha256 : str
        Hash of the content that was recognised.

    Raises
    ------
    ValueError
        If the file has changed since it was recognised.
    OSError
        If it cannot be copied.
    """
    content = source.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{source} changed while it was imported: its sha256 was {sha256}, and is now {found}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(content)


def describe(path: Path, about: Description) -> None:
    """Write the description of a file in the folder of the user's networks.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    record = {**asdict(about), "card": about.card.as_record()}
    with atomic_write(_description_of(path)) as file:
        file.write(f"{json.dumps(record, indent=1)}\n".encode())


def remove(path: Path) -> None:
    """Remove an imported file and its description.

    Raises
    ------
    ValueError
        If the file was not imported.
    OSError
        If it cannot be removed.
    """
    if all(one.path != path for one in files()):
        raise ValueError(f"only imported files can be removed, got {path}")
    path.unlink()
    _description_of(path).unlink(missing_ok=True)


def _description_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{DESCRIPTION}")


def _files_of(size: int) -> Iterator[Path]:
    """Yield the files of a size in the folder of the user's networks."""
    try:
        paths = sorted(trained.folder().iterdir())
    except OSError:  # missing
        return
    for path in paths:
        if path.is_file() and path.stat().st_size == size:
            yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(place: Path) -> Imported | None:
    path = place.with_name(place.name.removesuffix(DESCRIPTION))
    try:
        if place.stat().st_size > LONGEST:
            return None
        about = _described(json.loads(place.read_text(encoding="utf-8")))
        return Imported(path, about) if path.stat().st_size == about.size else None
    except (OSError, KeyError, ValueError, TypeError, OverflowError, RecursionError):
        return None


def _described(found: dict[str, Any]) -> Description:
    """Check a JSON object, and convert it to a description.

    Raises
    ------
    KeyError, ValueError, TypeError, OverflowError
        If a value is missing or wrong.
    """
    scales = tuple(int(number_in({"scale": scale}, "scale")) for scale in found["scales"])
    if not scales or not all(1 <= scale <= LARGEST_SCALE for scale in scales):
        raise ValueError(f"scales must be from 1 to {LARGEST_SCALE}, got {scales}")
    questions = {
        str(key): None if value is None else number_in({key: value}, key)
        for key, value in found["questions"].items()
    }
    card = found.get("card")
    return Description(
        origin=text_in(found, "origin"),
        sha256=text_in(found, "sha256"),
        size=int(number_in(found, "size")),
        architecture=text_in(found, "architecture"),
        summary=text_in(found, "summary"),
        scales=scales,
        scale_is_known=found["scale_is_known"] is True,
        parameters=int(number_in(found, "parameters")),
        grey=found["grey"] is True,
        questions=questions,
        options=options_in(found),
        # descriptions of older versions have neither remarks nor a card
        remarks=tuple(text_in({"remark": one}, "remark") for one in found.get("remarks", ())),
        card=card_from(card if isinstance(card, dict) else {}),
        other_unit=found.get("other_unit") is True,
    )
