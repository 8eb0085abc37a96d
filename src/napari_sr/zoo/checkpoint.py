"""Read a checkpoint's tensors from a file, without running any code in it.

The formats are PyTorch's files (.pth, .pt), safetensors, NumPy's .npz and MATLAB's .mat. They are
recognised by the content of a file, not by its name. A pickle that contains more than tensors is
refused, because opening it could run any program. A file is read once, and the size of its tensors
is checked before they are allocated (`limits`).
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
from napari_sr.zoo.cancelling import check_cancelled
from napari_sr.zoo.card import card_in
from napari_sr.zoo.file_weights import weights_in
from napari_sr.zoo.limits import BROKEN, RefusedError, check_file, check_tensors, first_line
from napari_sr.zoo.matlab import read_matlab
from napari_sr.zoo.numpy_file import SUFFIX, read_npz
from napari_sr.zoo.safetensors_file import read_safetensors
from napari_sr.zoo.stored_tensor import StoredTensor, Unusable
from napari_sr.zoo.torch_file import pickles_in, read_torch_legacy, read_torch_zip
from napari_sr.zoo.zip_archive import ZipArchive

_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_MASK = "mask"
"""Keys of attention masks, which may contain minus infinity, end with this."""


class CheckpointError(ValueError):
    """A file is not a checkpoint, cannot be read, or must not be opened."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file."""

    tensors: dict[str, Tensor]
    """The tensors by key, on the CPU, floats in float32."""
    sha256: str
    """Hash of the content from which the tensors were read."""
    card: dict[str, Any] = field(default_factory=dict)
    """The card that our training wrote; {} if there is none."""
    remarks: tuple[str, ...] = ()
    """Sentences on which of the file's weights were chosen, and what was ignored."""


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """Return a checkpoint's tensors by key, on the CPU, floats in float32.

    Wrappers such as `params_ema` or `state_dict` are opened, and the prefix `module.` is removed
    from the keys.

    Parameters
    ----------
    path : str or Path
        A file of `torch.save`, safetensors, `numpy.savez` or MATLAB.

    Raises
    ------
    CheckpointError
        If the file is missing, empty, damaged, not a checkpoint, too large, or a pickle with more
        than tensors; or if a tensor contains NaN or infinite values.
    """
    return open_checkpoint(path).tensors


def open_checkpoint(path: str | Path, sha256: str | None = None) -> Checkpoint:
    """Return a checkpoint's tensors, its hash and its card; the file is read once.

    Parameters
    ----------
    path : str or Path
        As for `read_checkpoint`.
    sha256 : str, optional
        The hash of the expected content; a file with another hash is not opened.

    Raises
    ------
    CheckpointError
        As for `read_checkpoint`, or if the hash differs.
    """
    path = Path(os.path.expanduser(path))
    try:
        data = _content(path)
        check_cancelled()
        found = hashlib.sha256(data).hexdigest()
        check_cancelled()
        if sha256 not in (None, found):
            raise RefusedError(f"was changed: its sha256 must be {sha256}, got {found}")
        read, kind = _reader(data)
        try:
            data, packed = _unpacked(data)
            read, kind = _reader(data)
            tensors, remarks = _weights(read(data), len(data))
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
    return Checkpoint(tensors, found, card, (*packed, *remarks))


def _content(path: Path) -> bytes:
    """Return a file's content after checking its kind and size."""
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
                raise RefusedError(f"is not a checkpoint but {what}")
            check_file(size)
            _reader(start)
            file.seek(0)
            return file.read(size)
    except (OSError, ValueError, MemoryError) as error:
        if isinstance(error, RefusedError | CheckpointError):
            raise
        raise CheckpointError(f"{path} cannot be opened: {first_line(error)}") from error


def _reader(data: bytes) -> tuple[Callable[[bytes], Any], str]:
    """Choose a reader by a file's first bytes; return it and the kind of the file."""
    if data[8:9] == b"{":
        return read_safetensors, "safetensors"
    if data.startswith(b"PK"):
        return _read_zip, "PyTorch or .npz"
    if data.startswith(b"\x80"):
        return read_torch_legacy, "PyTorch"
    if data.startswith(b"MATLAB 5.0"):
        return _read_matlab, "MATLAB"
    raise RefusedError(
        f"is not a checkpoint: it begins with {data[:12]!r}, unlike files of PyTorch, "
        "safetensors, NumPy (.npz) and MATLAB"
    )


def _unpacked(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the only checkpoint in a zip archive, and a sentence that names it.

    Other data, such as PyTorch's own zip files, are returned unchanged.
    """
    if not data.startswith(b"PK"):
        return data, ()
    archive = ZipArchive(data)
    names = archive.names
    inside = [name for name in file_kind.shown(names) if file_kind.is_checkpoint(name)]
    if pickles_in(names) or len(inside) != 1:
        return data, ()
    return archive.read(inside[0]), (f"Read from {inside[0]!r} in the zip archive.",)


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


def _weights(content: Any, file_bytes: int) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the weights in a file's content after checking the limits, and remarks on them."""
    if not isinstance(content, Mapping):
        kind = "Tensor" if isinstance(content, StoredTensor) else type(content).__name__
        raise RefusedError(f"is not a checkpoint: it contains a {kind}, not a dict of tensors")
    found = weights_in(content)
    dense = {key: _dense(key, value) for key, value in found.values.items()}
    check_tensors(((key, tuple(one.shape)) for key, one in dense.items()), file_bytes)
    return {key: _plain(key, value) for key, value in dense.items()}, found.remarks()


def _dense(key: str, value: object) -> Tensor | StoredTensor:
    """Return a tensor that networks can use; raise an error for anything else."""
    if isinstance(value, Unusable):
        raise RefusedError(f"is not a checkpoint: {key!r} is {value.what}, not a dense tensor")
    if not isinstance(value, Tensor | StoredTensor):
        kind = type(value).__name__
        raise RefusedError(f"is not a checkpoint: {key!r} is a {kind}, not a dense tensor")
    narrow = value.dtype.is_floating_point and value.dtype not in _FLOATS
    if narrow or value.dtype.is_complex:
        kind = str(value.dtype).removeprefix("torch.")
        raise RefusedError(f"is not a checkpoint: {key!r} has the unsupported type {kind}")
    return value


def _plain(key: str, value: Tensor | StoredTensor) -> Tensor:
    """Return the values, floats in float32; raise an error for NaN and infinity."""
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
