"""Read the numbers in MATLAB files: checkpoints of networks older than PyTorch.

In some files, the variables are the weights. Others contain a MatConvNet network, which stores the
weights in a list of records, each with a name and a value. Files of version 7.3 are HDF5 files and
are not supported. scipy reads numbers, text and records; it runs no code.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_sr.zoo.mat_elements import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"


def read_matlab(data: bytes) -> dict[str, Array]:
    """Return the arrays of numbers in a MATLAB file by name, in MATLAB's shapes and types.

    Other variables are left out.

    Parameters
    ----------
    data : bytes
        A file that MATLAB saved with `-v7` or older.

    Raises
    ------
    napari_sr.zoo.limits.RefusedError
        If the file is too large when unpacked.
    ValueError, and other errors of scipy
        If the file is damaged.
    """
    from scipy.io import loadmat  # slow to import, and rarely needed

    # MATLAB stores floats with whole values as integers; mat_dtype restores their type
    content = loadmat(io.BytesIO(unpacked(data)), mat_dtype=True)
    variables = {key: value for key, value in content.items() if not key.startswith("__")}
    found: dict[str, Array] = {}
    for name, value in variables.items():
        found |= dict(_parameters(value)) if _is_network(value) else {name: value}
    return {
        name: np.ascontiguousarray(value, value.dtype.newbyteorder("="))
        for name, value in found.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    }


def _is_network(value: object) -> bool:
    """Return whether a variable is a network of MatConvNet."""
    if not isinstance(value, np.ndarray) or value.size != 1:
        return False
    return "params" in (value.dtype.names or ())


def _parameters(network: Array) -> Iterator[tuple[str, Array]]:
    records = network["params"].item()
    if not {"name", "value"} <= set(records.dtype.names or ()):
        return
    for record in records.ravel():
        yield str(np.squeeze(record["name"])), record["value"]
