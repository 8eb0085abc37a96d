"""Networks that were trained here: files in a folder of the user's, which tell of themselves.

`NAPARI_SR_NETWORKS` names another folder. Nothing here imports torch.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VARIABLE = "NAPARI_SR_NETWORKS"
SUFFIX = ".safetensors"
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
"""What file names must not hold on one system or another."""


@dataclass(frozen=True)
class Trained:
    """What a file's card tells."""

    path: Path
    architecture: str
    """Name of the network, as `models.names` has it."""
    scale: int
    options: dict[str, Any] = field(default_factory=dict)
    """Keywords of the network's constructor that its tensors cannot tell."""
    origin: str = ""
    """What it was before it was trained here."""
    images: tuple[str, ...] = ()
    """Names of what it was trained on."""
    shrunk: str = ""
    """How small images were made."""
    psnr: float | None = None
    """On the held-out part of these images, in dB."""
    bicubic: float | None = None
    """Of bicubic interpolation, on the same."""
    grey: bool = False
    """Whether it sees grey from black to white, and not luma."""

    @property
    def name(self) -> str:
        """What the user called it."""
        return self.path.stem

    @property
    def summary(self) -> str:
        """What it is, and how good, for people who choose."""
        shown = ", ".join(self.images[:3])
        more = f" and {len(self.images) - 3} more" if len(self.images) > 3 else ""
        told = f"Trained here on {shown}{more} from {self.origin}, small images by {self.shrunk}."
        if self.psnr is not None and self.bicubic is not None:
            better = self.psnr > self.bicubic
            than = "" if better else ": not better than bicubic interpolation there"
            told += f" On their held-out part: {self.psnr:.2f} dB, bicubic {self.bicubic:.2f} dB"
            told += f"{than}."
        return f"{told} Good for images like these only."


def folder() -> Path:
    """Return the folder of these networks; it need not exist yet."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("napari-sr", appauthor=False)) / "networks"


def place(name: str) -> Path:
    """Return the file of a network of this name, which need not exist.

    Raises
    ------
    ValueError
        If no file can be called so.
    """
    name = name.strip()
    wrong = _FORBIDDEN.search(name)
    if not name or name.startswith(".") or wrong or len(name) > 100:
        raise ValueError(
            "a network's name needs 1 to 100 characters, none of \\ / : * ? \" < > | and no dot "
            f"at its beginning, got {name!r}"
        )
    return folder() / (name + SUFFIX)


def free_name(wanted: str) -> str:
    """Return a name like this that no file has yet."""
    plain = _FORBIDDEN.sub("_", wanted).strip().lstrip(".")[:80] or "network"
    name, count = plain, 1
    while place(name).exists():
        count += 1
        name = f"{plain} ({count})"
    return name


def networks() -> list[Trained]:
    """Return the networks in the folder by name; files without a card are left out."""
    if not folder().is_dir():
        return []
    paths = sorted(folder().glob(f"*{SUFFIX}"), key=lambda path: path.stem.lower())
    found = (_read(path) for path in paths)
    return [one for one in found if one is not None]


def card_of(path: Path) -> dict[str, Any]:
    """Return the card in a file of safetensors: empty where there is none, or no such file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            card = json.loads((file.metadata() or {}).get("card", "{}"))
    except (OSError, SafetensorError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def trained_on_grey(card: dict[str, Any]) -> bool:
    """Say whether a card tells of a training on grey from black to white, and not on luma."""
    data = card
    for key in ("recipe", "data"):
        data = data.get(key, {})
        if not isinstance(data, dict):
            return False
    return data.get("grey") is True


def _read(path: Path) -> Trained | None:
    card = card_of(path)
    told = card.get("here")
    try:
        common = path, str(card["network"]), int(card["scale"]), dict(card["options"])
        if not isinstance(told, dict):
            return None
        images = tuple(map(str, told["images"]))
        psnr, bicubic = float(told["psnr"]), float(told["bicubic"])
        origin, shrunk = str(told["origin"]), str(told["shrunk"])
        return Trained(*common, origin, images, shrunk, psnr, bicubic, trained_on_grey(card))
    except (KeyError, TypeError, ValueError):
        return None
