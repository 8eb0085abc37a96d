"""How a kernel is launched where an architecture wants it otherwise than the op's own choice.

An op names its usual block sizes, warps and stages where it launches. `configurations.json` holds
what differs, by architecture, then by op, by op and width ("bsconv/64"), which counts more, or by
op and channels in and out ("bsconv/64-32"), which counts most:

    {"gfx942": {"bsconv": {"BLOCK": 16, "num_warps": 4}}}

So a choice that was measured on a GPU is data, and changes no code.
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
    """Return how to launch a kernel on the device where `x` lies.

    Parameters
    ----------
    op : str
        The op's name.
    x : Tensor, (N, C, H, W)
        Its first argument; C is the width.
    outputs : int, optional
        Channels that come out, of an op for which they may be others.
    **usual : int
        Keywords of the launch, with the values that hold where the file says nothing else.

    Returns
    -------
    dict of str to int
        The same keywords.

    Raises
    ------
    ValueError
        If the file has a keyword that is not among `usual`.
    """
    known = configurations().get(architecture(x.device), {})
    width = f"{op}/{x.shape[1]}"
    special: dict[str, int] = {}
    for key in (op, width, f"{width}-{outputs}"):
        special |= known.get(key, {})
    if not special.keys() <= usual.keys():
        raise ValueError(f"{FILE} gives {op} {sorted(special)}, which takes {sorted(usual)}")
    return {**usual, **special}


@cache
def configurations() -> dict[str, dict[str, dict[str, int]]]:
    """Return the file: by architecture, then by op and widths, the keywords."""
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
