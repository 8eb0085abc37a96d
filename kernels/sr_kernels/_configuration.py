"""Launch options that differ between architectures.

An op passes its default block sizes, warps and stages when it is launched. `configurations.json`
overrides them, by architecture, then by op, by op and width ("bsconv/64"), or by op, input and
output channels ("bsconv/64-32"); a more specific entry wins:

    {"gfx942": {"bsconv": {"BLOCK": 16, "num_warps": 4}}}

So options that were measured on a GPU are data, and need no change of code.
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
        Number of output channels, for an op in which it may differ from that of inputs.
    **usual : int
        Keywords of the launch, with their defaults.

    Returns
    -------
    dict of str to int
        The same keywords, with the values to use.

    Raises
    ------
    ValueError
        If `configurations.json` has a keyword that is not among `usual`.
    """
    known = configurations().get(architecture(x.device), {})
    width = f"{op}/{x.shape[1]}"
    special: dict[str, int] = {}
    for key in (op, width, f"{width}-{outputs}"):
        special |= known.get(key, {})
    if not special.keys() <= usual.keys():
        raise ValueError(f"{FILE} sets {sorted(special)} for {op}, which takes {sorted(usual)}")
    return {**usual, **special}


@cache
def configurations() -> dict[str, dict[str, dict[str, int]]]:
    """Return launch options from `configurations.json`, by architecture, then by op and widths."""
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
