"""Read a checkpoint's tensors from a file, without running anything that the file says.

PyTorch's own files (.pth, .pt), safetensors, NumPy's .npz and MATLAB's .mat are read; what a file
is decides its content, not its name. A pickle that holds more than tensors is refused: opening
one can run any program.
"""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from napari_sr.zoo.matlab import read_matlab

WRAPPERS = ("params_ema", "params")
"""Keys under which BasicSR keeps the weights: their running mean is meant to be used."""
KNOWN_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "net_g", "generator")
"""Keys under which others do, beside optimisers, counters and discriminators."""
DEPTH = 4
"""How many wrappers may lie in one another."""
PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every key."""

_BROKEN = (
    RuntimeError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, OSError,
    MemoryError, OverflowError, AssertionError, struct.error, pickle.UnpicklingError,
    zipfile.BadZipFile, NotImplementedError, ImportError,
)  # fmt: skip
"""What the readers of damaged files were seen to raise."""

_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"MATLAB 7.3", "a MATLAB file of version 7.3: save it with -v7"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a single NumPy array, without a key"),
    (b"version https://git-lfs", "a Git LFS pointer: the real file was not downloaded"),
)


class CheckpointError(ValueError):
    """A file is no checkpoint that can be read, or none that may be."""


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """Return a checkpoint's tensors by key, on the CPU, floats in float32.

    Wrappers such as `params_ema` or `state_dict` are opened, and the prefix `module.` is
    taken off the keys.

    Parameters
    ----------
    path : str or Path
        A file of `torch.save`, safetensors, `numpy.savez` or MATLAB.

    Raises
    ------
    CheckpointError
        If the file is missing, empty, damaged, no checkpoint, or a pickle that holds more
        than tensors.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint file {path}")
    tensors = _unwrap(_reader(path)(path), path)
    return {key: _plain(key, value, path) for key, value in _without_prefixes(tensors).items()}


def _reader(path: Path) -> Callable[[Path], Mapping[str, Any]]:
    """Return the function that reads such a file, which its first bytes tell."""
    with path.open("rb") as file:
        start = file.read(256)
    if not start:
        raise CheckpointError(f"{path} is empty")
    for magic, what in _FOREIGN:
        if start.startswith(magic):
            raise CheckpointError(f"{path} is no checkpoint but {what}")
    if start.lstrip()[:1] == b"<":
        raise CheckpointError(f"{path} is no checkpoint but a web page: its download went wrong")
    if start[8:9] == b"{":
        return _read_safetensors
    if start.startswith(b"PK"):
        return _read_zip
    if start.startswith(b"\x80"):
        return _read_torch
    if start.startswith(b"MATLAB 5.0"):
        return _read_matlab
    raise CheckpointError(
        f"{path} is no checkpoint: it begins with {start[:12]!r}, which is neither a file of "
        "PyTorch's nor safetensors, .npz or MATLAB's"
    )


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    try:
        return load_file(path, device="cpu")
    except (SafetensorError, *_BROKEN) as error:
        raise _damaged(path, "safetensors", error) from error


def _read_zip(path: Path) -> Mapping[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _damaged(path, "PyTorch or .npz", error) from error
    if any(member.endswith("/constants.pkl") for member in members):
        raise CheckpointError(
            f"{path} is a TorchScript program, not a checkpoint: save its state_dict instead"
        )
    if any(member.endswith(".npy") for member in members):
        return _read_npz(path)
    return _read_torch(path)


def _read_npz(path: Path) -> Mapping[str, Any]:
    arrays: dict[str, Any] = {}
    with np.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            try:
                array = archive[key]
                arrays[key] = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
            except (*_BROKEN, zlib.error) as error:
                raise CheckpointError(
                    f"{path} is no checkpoint: its entry {key!r} cannot be read as numbers "
                    f"({_first_line(error)})"
                ) from error
    return arrays


def _read_matlab(path: Path) -> Mapping[str, Any]:
    try:
        return {key: torch.from_numpy(array) for key, array in read_matlab(path).items()}
    except (*_BROKEN, zlib.error) as error:
        raise _damaged(path, "MATLAB", error) from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:  # of a path, torch would take the suffix for the content
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"GLOBAL ([\w.]+)|(Unsupported) (?:operand|class)", str(error))
        if wanted is None:
            raise _damaged(path, "PyTorch", error) from error
        raise CheckpointError(
            f"{path} holds more than tensors: opening it would run {wanted[1] or 'what it says'}, "
            "and with it any program, so it is not opened; let its maker save the state_dict "
            "alone, or as safetensors"
        ) from error
    except _BROKEN as error:
        raise _damaged(path, "PyTorch", error) from error
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path} is no checkpoint: it holds a {type(content).__name__}, not tensors by key"
        )
    return content


def _unwrap(content: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    for _ in range(DEPTH):
        inner = [key for key, value in content.items() if isinstance(value, Mapping)]
        if not inner:
            break
        content = content[_chosen(content, inner, path)]
    if not content:
        raise CheckpointError(f"{path} is no checkpoint: it holds no tensors")
    return content


def _chosen(content: Mapping[str, Any], inner: list[str], path: Path) -> str:
    """Return the key under which the weights are, of those that hold a mapping."""
    for key in WRAPPERS:
        if key in inner:
            return key
    known = [key for key in KNOWN_WRAPPERS if key in inner] or inner
    if len(known) > 1 or any(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(
            f"{path} does not tell which of its parts are the weights: it holds "
            f"{', '.join(map(repr, list(content)[:8]))}; save one of them alone"
        )
    return known[0]


def _without_prefixes(tensors: Mapping[str, Any]) -> dict[str, Any]:
    result = {str(key): value for key, value in tensors.items()}
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in result)), None):
        result = {key.removeprefix(prefix): value for key, value in result.items()}
    return result


def _plain(key: str, value: object, path: Path) -> Tensor:
    """Return an ordinary tensor: dense, and in float32 if it holds floats."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized:
        kind = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        raise CheckpointError(f"{path} is no checkpoint: {key!r} is a {kind}, not a dense tensor")
    value = value.detach()
    return value.to(torch.float32) if value.is_floating_point() else value


def _damaged(path: Path, kind: str, error: BaseException) -> CheckpointError:
    return CheckpointError(
        f"{path} begins like a {kind} file but cannot be read, so it may be damaged or cut off "
        f"({_first_line(error)})"
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
