"""Which engine computes a run: PyTorch, or one that compiles for this processor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.backends.compiled import Compiled
from napari_sr.engine.backends.compilers import COMPILERS, installed

if TYPE_CHECKING:
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

ENGINES = ("auto", "torch", *COMPILERS)
VARIABLE = "NAPARI_SR_ENGINE"
"""The environment variable that decides "auto"."""


def compiled_for(
    settings: Settings, plan: Plan, network: Network, channels: int
) -> Compiled | None:
    """Return what compiles the segments of a run, or None where PyTorch computes it.

    Parameters
    ----------
    settings : Settings
        Of these, the engine and the kernels.
    plan : Plan
        Device and precision.
    network : Network
        Network to run.
    channels : int
        Channels of the image.

    Raises
    ------
    ValueError
        If there is no such engine, or the chosen one is not installed or cannot compute on this
        device, in this precision or with these kernels.
    """
    engine = settings.engine
    if engine == "auto":
        engine = os.environ.get(VARIABLE) or "auto"
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    if engine == "torch":
        return None
    suits = plan.device.type == "cpu" and plan.precision == torch.float32
    suits = suits and settings.kernels != "triton"
    if engine != "auto" and not suits:
        raise ValueError(
            f"engine={engine!r} computes on the CPU in float32 without Triton kernels, got device "
            f"{plan.device}, precision {str(plan.precision).removeprefix('torch.')} and kernels "
            f"{settings.kernels!r}"
        )
    found = installed()
    if engine != "auto" and engine not in found:
        extra = COMPILERS[engine].EXTRA
        raise ValueError(f"engine={engine!r} is not installed: pip install 'napari-sr[{extra}]'")
    has_weights = next(network.parameters(), None) is not None
    if not suits or not found or not has_weights:
        return None
    chosen = found if engine == "auto" else [engine]
    half = engine == "openvino" and settings.precision == "bfloat16"
    precision = "bfloat16" if half and "bfloat16" in network.precisions else "float32"
    return Compiled(network, channels, chosen, always=engine != "auto", precision=precision)
