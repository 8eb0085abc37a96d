"""The speed of models on this machine: measured on request, and kept in a file.

The file is in the folder of downloads. Speeds of another machine or another version of PyTorch are
not used. Only `measure` imports torch.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.atomic_write import atomic_write
from napari_sr.engine.planning.settings import Settings
from napari_sr.zoo.card import number_in, text_in
from napari_sr.zoo.download import cache_folder

if TYPE_CHECKING:
    from napari_sr.runs.model import ModelReference

NAME = "speeds.json"
LARGEST = 1 << 20
"""Largest size of the file in bytes."""
MEGA = 1e6


@dataclass(frozen=True)
class Speed:
    """The measured speed of a model."""

    seconds: float
    """Seconds per megapixel of the source, in one channel or RGB as the network takes it."""
    device: str
    """The device, such as "cpu"."""
    torch: str
    """Version of PyTorch."""
    machine: str
    """Name of the machine."""

    @property
    def sentence(self) -> str:
        """The speed in words."""
        return f"{short_seconds(self.seconds)} s per megapixel ({self.device}, PyTorch)"


def key(reference: ModelReference) -> str:
    """Return a model's key in the file of speeds; it changes when a user's checkpoint changes."""
    name = f"{reference.name} x{reference.scale}"
    if not isinstance(reference.name, Path):
        return name
    try:
        status = reference.name.stat()
    except OSError:  # missing
        return name
    return f"{name} {status.st_size} {status.st_mtime_ns}"


def speeds() -> dict[str, Speed]:
    """Return the speeds measured on this machine with this version of PyTorch, by `key`."""
    here = platform.node(), version("torch")
    return {name: one for name, one in _read().items() if (one.machine, one.torch) == here}


def measure(reference: ModelReference) -> Speed:
    """Time a model that is on this machine, at the default settings, and keep its speed.

    This takes about a second: too long for the GUI thread.

    Raises
    ------
    ValueError
        If the model cannot be loaded.
    OSError
        If the speed cannot be written.
    """
    from napari_sr.engine.planning.devices import choose_device
    from napari_sr.engine.planning.estimate import measure_speed
    from napari_sr.runs import cache

    settings = Settings()
    pixels = measure_speed(cache.load_first(reference), settings)
    device = str(choose_device(settings.device))
    speed = Speed(MEGA / pixels, device, version("torch"), platform.node())
    _keep({**_read(), key(reference): speed})
    return speed


def short_seconds(seconds: float) -> str:
    """Return seconds with two digits.

    Examples
    --------
    >>> [short_seconds(one) for one in (0.0123, 0.42, 3.14, 271.8)]
    ['0.012', '0.42', '3.1', '272']
    """
    if seconds >= 9.95:
        return f"{seconds:.0f}"
    places = 1 if seconds >= 0.995 else 2 if seconds >= 0.0995 else 3
    return f"{seconds:.{places}f}"


def _file() -> Path:
    return cache_folder() / NAME


def _keep(found: dict[str, Speed]) -> None:
    _file().parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(_file()) as file:
        kept = {name: asdict(one) for name, one in found.items()}
        file.write(f"{json.dumps(kept, indent=1)}\n".encode())


def _read() -> dict[str, Speed]:
    """Return the content of the file; {} if it is missing or cannot be read."""
    try:
        if _file().stat().st_size > LARGEST:
            return {}
        found = json.loads(_file().read_text(encoding="utf-8"))
        return {str(name): _speed(one) for name, one in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _speed(found: dict[str, Any]) -> Speed:
    words = (text_in(found, name) for name in ("device", "torch", "machine"))
    return Speed(number_in(found, "seconds"), *words)
