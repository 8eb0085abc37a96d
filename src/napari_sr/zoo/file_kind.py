"""Recognise files that are not checkpoints, by their first bytes and their content."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors", ".npz", ".mat")
"""Endings of checkpoint files."""
MOST_SEEN = 2000
"""Largest number of entries of a folder to check."""
START = 512
"""Bytes at a file's beginning to check."""
END = 48
"""Bytes at a file's end to check."""

_BEGINNINGS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"II+\0", "a TIFF image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive: unpack it, and open the file inside"),
    (b"BZh", "a bzip2 archive: unpack it, and open the file inside"),
    (b"\xfd7zXZ", "an xz archive: unpack it, and open the file inside"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive: unpack it, and open the file inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it, and open the file inside"),
    (b"Rar!", "a RAR archive: unpack it, and open the file inside"),
    (b"MATLAB 7.3", "a MATLAB file of version 7.3: save it with -v7"),
    (b"\x89HDF", "an HDF5 file, as written by Keras and MATLAB 7.3: use a PyTorch file"),
    (b"\x93NUMPY", "a single NumPy array, without a key: save it with numpy.savez"),
    (b"version https://git-lfs", "a Git LFS pointer: the real file was not downloaded"),
    (b"GGUF", "a GGUF file"),
    (b"ggml", "a GGML file"),
    (b"7767517", "an ncnn file: use the PyTorch file it was made from"),
    (b"model_checkpoint_path:", "TensorFlow's list of checkpoints: use a PyTorch file"),
    (b"<?xml", "an XML file"),
    (b"<net", "an XML file"),
)
_TABLE = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""The end of TensorFlow's checkpoints and of their indices."""
_OURS = (b"PK", b"\x80")
"""The first bytes of PyTorch's files."""
_ONNX = (b"\x12", b"\x1a", b"\x3a", b"\x42")
"""The fields that may follow the first field of an ONNX file, its version."""


def foreign(start: bytes, end: bytes, name: str = "") -> str | None:
    """Describe a file that is not a checkpoint ("a PNG image"); None if it may be a checkpoint.

    Parameters
    ----------
    start, end : bytes
        The file's first `START` and last `END` bytes.
    name : str
        Name of the file.
    """
    for magic, what in _BEGINNINGS:
        if start.startswith(magic):
            return what
    if start.lstrip()[:1] == b"<":
        return "a web page: its download went wrong"
    if start[257:262] == b"ustar":
        return "a tar archive: unpack it, and open the file inside"
    if start[4:8] == b"TFL3":
        return "a TensorFlow Lite file: use the PyTorch file of this network"
    # TensorFlow's files of values have no beginning of their own; PyTorch's may be named like them
    named = (".ckpt." in name or ".data-0000" in name) and not start.startswith(_OURS)
    if end.endswith(_TABLE) or named:
        return "a TensorFlow checkpoint: use a PyTorch file"
    if start[:1] == b"\x08" and start[1:2] < b"\x20" and start[2:3] in _ONNX:
        return "an ONNX file: use the PyTorch file it was made from"
    return None


def folder(path: Path) -> str:
    """Describe the files in a folder that can be opened, to continue "PATH is a folder ..."."""
    if any((path / name).is_file() for name in ("data.pkl", "archive/data.pkl")):
        return (
            "into which a checkpoint file was unpacked, as some systems do after a download: "
            "download the file again, and open it without unpacking"
        )
    seen = islice(path.rglob("*"), MOST_SEEN)
    found = [str(one.relative_to(path)) for one in seen if is_checkpoint(one.name)]
    if (path / "saved_model.pb").is_file():
        return "with a TensorFlow network: use a PyTorch file"
    if not found:
        return "and contains no checkpoint file"
    return f"that contains {listed(sorted(found))}: open {_which(found)}"


def zipped(names: list[str]) -> str:
    """Describe a zip archive that is not a checkpoint, to continue a sentence after its name."""
    names = shown(names)
    found = [name for name in names if is_checkpoint(name)]
    if found:
        inside = f"contains {listed(found)}: unpack it, and open {_which(found)}"
        return f"is a zip archive that {inside}"
    if "model.weights.h5" in names:
        return "is a Keras checkpoint: use a PyTorch file"
    archives = [name for name in names if name.lower().endswith(".zip")]
    if archives:
        other = "another zip archive" if len(archives) == 1 else "other zip archives"
        return f"is a zip archive that contains {other}, {listed(archives)}: unpack it first"
    inside = f"{listed(names)}, and no checkpoint" if names else "nothing"
    return f"is a zip archive that contains {inside}"


def shown(names: list[str]) -> list[str]:
    """Return names of a zip archive's files without those that macOS adds."""
    return [name for name in names if not name.startswith("__MACOSX/")]


def names_file(name: str | Path) -> bool:
    """Return whether a name refers to a file or folder, not to a known model."""
    text = os.path.expanduser(os.fspath(name))
    is_path = not isinstance(name, str) or is_checkpoint(text) or os.path.isfile(text)
    return is_path or (os.path.basename(text) != text and os.path.isdir(text))


def _which(names: list[str]) -> str:
    return "that file" if len(names) == 1 else "one of them"


def is_checkpoint(name: str) -> bool:
    """Return whether a file's name has the ending of a checkpoint."""
    return name.lower().endswith(SUFFIXES)


def listed(names: list[str], most: int = 3) -> str:
    """Return the first names and the number of others as text: "a, b, c and 4 more"."""
    shown = [name if len(name) <= 80 else f"{name[:77]}..." for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
