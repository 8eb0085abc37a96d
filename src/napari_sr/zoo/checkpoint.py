"""Read a checkpoint's tensors from a file, without running anything that the file says.

PyTorch's own files (.pth, .pt), safetensors, NumPy's .npz and MATLAB's .mat are read; what a file
is decides its content, not its name. A pickle that holds more than tensors is refused: opening
one can run any program. The file is read once; how much its tensors may take is checked before
they are allocated (`limits`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_sr.zoo import file_kind
from napari_sr.zoo.card import card_in
from napari_sr.zoo.limits import BROKEN, RefusedError, check_file, check_tensors, first_line
from napari_sr.zoo.matlab import read_matlab
from napari_sr.zoo.numpy_file import SUFFIX, read_npz
from napari_sr.zoo.safetensors_file import read_safetensors
from napari_sr.zoo.stored_tensor import StoredTensor, Unusable
from napari_sr.zoo.torch_file import pickles_in, read_torch_legacy, read_torch_zip
from napari_sr.zoo.zip_archive import ZipArchive

WRAPPERS = ("params_ema", "params")
"""Keys under which BasicSR keeps the weights: their running mean is meant to be used."""
KNOWN_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "net_g", "generator")
"""Keys under which others do, beside optimisers, counters and discriminators."""
DEPTH = 4
"""How many wrappers may lie in one another."""
PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every key."""

_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_MASK = "mask"
"""What keys of buffers end in that hide values from attention by minus infinity."""


class CheckpointError(ValueError):
    """A file is no checkpoint that can be read, or none that may be."""


@dataclass(frozen=True)
class Checkpoint:
    """What one reading of a file gave."""

    tensors: dict[str, Tensor]
    """By key, on the CPU, floats in float32."""
    sha256: str
    """Of the file's content that the tensors are of."""
    card: dict[str, Any] = field(default_factory=dict)
    """What a training of ours wrote about it; empty without."""


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
        If the file is missing, empty, damaged, no checkpoint, larger than it may be, or a pickle
        that holds more than tensors; if a tensor holds NaN or infinite values.
    """
    return open_checkpoint(path).tensors


def open_checkpoint(path: str | Path, sha256: str | None = None) -> Checkpoint:
    """Return a checkpoint's tensors, its hash and its card, of one reading of the file.

    Parameters
    ----------
    path : str or Path
        As for `read_checkpoint`.
    sha256 : str, optional
        Which content is meant; another is not opened.

    Raises
    ------
    CheckpointError
        As `read_checkpoint` does, and if the content is another.
    """
    path = Path(os.path.expanduser(path))
    try:
        data = _content(path)
        found = hashlib.sha256(data).hexdigest()
        if sha256 not in (None, found):
            raise RefusedError(f"was changed: its sha256 must be {sha256}, got {found}")
        read, kind = _reader(data)
        try:
            tensors = _tensors(read(data), len(data))
        except RefusedError:
            raise
        except BROKEN as error:
            raise RefusedError(
                f"begins like a {kind} file but cannot be read, so it may be damaged or cut off "
                f"({first_line(error)})"
            ) from error
    except RefusedError as refusal:
        raise CheckpointError(f"{path} {refusal}") from refusal
    card = card_in(data) if read is read_safetensors else {}
    return Checkpoint(tensors, found, card)


def _content(path: Path) -> bytes:
    """Return a file's content, after a look at what it is, and how large."""
    try:
        if path.is_dir():
            raise RefusedError(f"is a folder {file_kind.folder(path)}")
        if not path.is_file():
            raise CheckpointError(f"there is no checkpoint file {path}")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(file_kind.START)
            file.seek(max(0, size - file_kind.END))
            what = file_kind.foreign(start, file.read(file_kind.END), path.name)
            if not start:
                raise RefusedError("is empty")
            if what is not None:
                raise RefusedError(f"is no checkpoint but {what}")
            check_file(size)
            _reader(start)
            file.seek(0)
            return file.read(size)
    except (OSError, ValueError, MemoryError) as error:
        if isinstance(error, RefusedError | CheckpointError):
            raise
        raise CheckpointError(f"{path} cannot be opened: {first_line(error)}") from error


def _reader(data: bytes) -> tuple[Callable[[bytes], Any], str]:
    """Return the function that reads such a file, which its first bytes tell, and its kind."""
    if data[8:9] == b"{":
        return read_safetensors, "safetensors"
    if data.startswith(b"PK"):
        return _read_zip, "PyTorch or .npz"
    if data.startswith(b"\x80"):
        return read_torch_legacy, "PyTorch"
    if data.startswith(b"MATLAB 5.0"):
        return _read_matlab, "MATLAB"
    raise RefusedError(
        f"is no checkpoint: it begins with {data[:12]!r}, which is neither a file of PyTorch's "
        "nor safetensors, .npz or MATLAB's"
    )


def _read_zip(data: bytes) -> Any:
    archive = ZipArchive(data)
    names = archive.names
    if pickles_in(names):
        return read_torch_zip(archive)
    if any(map(file_kind.is_checkpoint, names)) or not any(name.endswith(SUFFIX) for name in names):
        raise RefusedError(file_kind.zipped(names))
    return read_npz(archive)


def _read_matlab(data: bytes) -> Mapping[str, Tensor]:
    return {key: torch.from_numpy(array) for key, array in read_matlab(data).items()}


def _tensors(content: Any, file_bytes: int) -> dict[str, Tensor]:
    """Return the weights among what a file holds, within limits."""
    if not isinstance(content, Mapping):
        kind = "Tensor" if isinstance(content, StoredTensor) else type(content).__name__
        raise RefusedError(f"is no checkpoint: it holds a {kind}, not tensors by key")
    found = _without_prefixes(_unwrap(content))
    dense = {key: _dense(key, value) for key, value in found.items()}
    check_tensors(((key, tuple(one.shape)) for key, one in dense.items()), file_bytes)
    return {key: _plain(key, value) for key, value in dense.items()}


def _unwrap(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    for _ in range(DEPTH):
        inner = [key for key, value in content.items() if isinstance(value, Mapping)]
        if not inner:
            break
        content = content[_chosen(content, inner)]
    if not content:
        raise RefusedError("is no checkpoint: it holds no tensors")
    return content


def _chosen(content: Mapping[Any, Any], inner: list[Any]) -> Any:
    """Return the key under which the weights are, of those that hold a mapping."""
    for key in WRAPPERS:
        if key in inner:
            return key
    known = [key for key in KNOWN_WRAPPERS if key in inner] or inner
    if len(known) > 1 or any(isinstance(value, StoredTensor) for value in content.values()):
        raise RefusedError(
            "does not tell which of its parts are the weights: it holds "
            f"{', '.join(map(repr, list(content)[:8]))}; save one of them alone"
        )
    return known[0]


def _without_prefixes(tensors: Mapping[Any, Any]) -> dict[str, Any]:
    for key in tensors:
        if not isinstance(key, str):
            raise RefusedError(f"is no checkpoint: its key {key!r} is of type {type(key).__name__}")
    result: dict[str, Any] = dict(tensors)
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in result)), None):
        result = {key.removeprefix(prefix): value for key, value in result.items()}
    return result


def _dense(key: str, value: object) -> Tensor | StoredTensor:
    """Return a tensor that networks can be run with, and refuse all else."""
    if isinstance(value, Unusable):
        raise RefusedError(f"is no checkpoint: {key!r} is {value.what}, not a dense tensor")
    if not isinstance(value, Tensor | StoredTensor):
        kind = type(value).__name__
        raise RefusedError(f"is no checkpoint: {key!r} is a {kind}, not a dense tensor")
    narrow = value.dtype.is_floating_point and value.dtype not in _FLOATS
    if narrow or value.dtype.is_complex:
        kind = str(value.dtype).removeprefix("torch.")
        raise RefusedError(f"is no checkpoint: {key!r} is of type {kind}, which is not read")
    return value


def _plain(key: str, value: Tensor | StoredTensor) -> Tensor:
    """Return the values, in float32 if they are floats; refuse those that are no numbers."""
    tensor = value.read() if isinstance(value, StoredTensor) else value
    if not tensor.is_floating_point():
        return tensor
    tensor = tensor.to(torch.float32)
    wrong = ~torch.isfinite(tensor)
    if key.endswith(_MASK):
        wrong &= tensor != -torch.inf
    if wrong.any():
        raise RefusedError(
            f"cannot be used: {int(wrong.sum())} of {tensor.numel()} values of {key!r} are NaN or "
            "infinite"
        )
    return tensor
