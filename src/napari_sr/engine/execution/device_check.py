"""Check a network on an Apple GPU against the CPU, before its first tile.

Some versions of PyTorch and macOS compute some operations wrongly on Apple GPUs, without an error.
So GPU and CPU first compute a small image; if the results differ, the CPU computes the run. The CPU
also computes single operations that the GPU lacks, because `import napari_sr` sets
PYTORCH_ENABLE_MPS_FALLBACK. This was tested by simulation only: no Apple GPU was available.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from napari_sr.engine.backends.compilers import largest_error
from napari_sr.engine.execution.kernel_check import waves
from napari_sr.engine.planning.devices import is_out_of_memory, on_device
from napari_sr.engine.planning.tile_size import padded_length
from napari_sr.layers.colour import enlarge

if TYPE_CHECKING:
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

CHECKED = ("mps",)
"""Kinds of devices that are compared with the CPU."""
SIZE = (61, 90)
"""Height and width of the image: one is odd, and ESA's grid has several cells."""
MOST_ERROR = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.1}
"""Largest allowed difference from the CPU in float32, relative to the largest result."""

_reasons: WeakKeyDictionary[Network, dict[tuple[object, ...], str]] = WeakKeyDictionary()


def trusted_settings(
    network: Network, channels: int, plan: Plan, settings: Settings
) -> tuple[Settings, str]:
    """Return the settings of a run, with the CPU as device if the chosen one computes wrongly.

    Parameters
    ----------
    network : Network
        Network to run.
    channels : int
        Channels of the image: 1, 3 or 4.
    plan : Plan
        Plan with the device and the precision.
    settings : Settings
        Settings of the plan.

    Returns
    -------
    settings : Settings
        The same settings, or settings with the device "cpu".
    why : str
        Message for the user; "" if the device computes correctly.
    """
    known = _reasons.setdefault(network, {})
    key = (str(plan.device), plan.precision, channels)
    if key not in known:
        known[key] = _reason(network, channels, plan)
    if not known[key]:
        return settings, ""
    why = f"{plan.device} {known[key]}; the CPU computes the image instead"
    return replace(settings, device="cpu", precision="auto"), why


def _reason(network: Network, channels: int, plan: Plan) -> str:
    """Return why a device cannot be used; "" if it can be used."""
    image = waves(channels, *(padded_length(size, network) for size in SIZE))
    cpu = torch.device("cpu")
    with torch.inference_mode():
        expected = enlarge(on_device(network, cpu, torch.float32), image)
        try:
            moved = on_device(network, plan.device, plan.precision)
            found = enlarge(moved, image.to(plan.device, plan.precision)).to(cpu, torch.float32)
        except (NotImplementedError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            return f"cannot compute this network ({' '.join(str(error).split())[:200]})"
    off = largest_error([found], [expected])
    if off <= MOST_ERROR[plan.precision]:
        return ""
    return f"computes this network wrongly (by {off:.1e} of the largest value)"
