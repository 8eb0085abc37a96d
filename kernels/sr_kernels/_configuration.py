"""Launch options that differ between architectures.

An op passes its default block sizes, warps and stages when it is launched. `configurations.json`
overrides them. It has an entry for each architecture, and in it entries for an op ("bsconv"), for
an op and its width ("bsconv/64"), or for an op, its input and its output channels
("bsconv/64-32"). The most specific entry is used:

    {"gfx942": {"bsconv": {"BLOCK": 16, "num_warps": 4}}}

So options that were measured on a GPU can be added without changing code.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

FILE = "configurations.json"


def configuration(
    op: str, x: Tensor, *, outputs: int | None = None, **usual: int
) -> dict[str, int]:
    """Return the launch options of a kernel on the device of `x`.

    Parameters
    ----------
    op : str
        The op's name.
    x : Tensor, (N, C, H, W)
        The op's first argument; C is the width.
    outputs : int, optional
        Number of output channels, if the op allows more or fewer outputs than inputs.
    **usual : int
        Default options of the launch.

    Returns
    -------
    dict of str to int
        The same options, with the values to use.

    Raises
    ------
    ValueError
        If `configurations.json` has an option that is not among `usual`.
    """
    known = configurations().get(architecture(x.device), {})
    width = f"{op}/{x.shape[1]}"
    special: dict[str, int] = {}
    for key in (op, width, f"{width}-{outputs}"):
        special |= known.get(key, {})
    if not special.keys() <= usual.keys():
        raise ValueError(f"{FILE} may set {sorted(usual)} for {op}, got {sorted(special)}")
    return {**usual, **special}


@cache
def configurations() -> dict[str, dict[str, dict[str, int]]]:
    """Return launch options from `configurations.json`, by architecture, then by entry."""
    found: dict[str, dict[str, dict[str, int]]] = json.loads(
        files("sr_kernels").joinpath(FILE).read_text()
    )
    return found


def architecture(device: torch.device) -> str:
    """Return a GPU's architecture as compilers name it (sm_90, gfx942), "" for other devices."""
    return _name(device.index) if device.type == "cuda" else ""


@cache
def _name(index: int | None) -> str:
    if torch.version.hip:
        name: str = torch.cuda.get_device_properties(index).gcnArchName
        return name.split(":")[0]
    major, minor = torch.cuda.get_device_capability(index)
    return f"sm_{major}{minor}"
