"""Which engine computes a run: PyTorch, or one that was compiled for this processor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.backends.openvino import OpenVino
from napari_sr.engine.backends.openvino_models import installed

if TYPE_CHECKING:
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

ENGINES = ("auto", "torch", "openvino")
VARIABLE = "NAPARI_SR_ENGINE"
"""The environment variable that decides "auto"."""


def openvino_for(
    settings: Settings, plan: Plan, network: Network, channels: int
) -> OpenVino | None:
    """Return OpenVINO for a run, or None where PyTorch computes.

    Parameters
    ----------
    settings : Settings
        Of these, the engine and the kernels.
    plan : Plan
        Device and precision.
    network : Network
        That will run.
    channels : int
        Of the image.

    Raises
    ------
    ValueError
        If there is no such engine, or the one that was chosen is not installed or cannot compute
        on this device, in this precision or with these kernels.
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
    if engine == "openvino" and not suits:
        raise ValueError(
            "engine='openvino' computes on the CPU in float32 without Triton kernels, got device "
            f"{plan.device}, precision {str(plan.precision).removeprefix('torch.')} and kernels "
            f"{settings.kernels!r}"
        )
    if engine == "openvino" and not installed():
        raise ValueError("engine='openvino' needs OpenVINO: pip install 'napari-sr[openvino]'")
    has_weights = next(network.parameters(), None) is not None
    if not suits or not installed() or not has_weights:
        return None
    return OpenVino(network, channels, always=engine == "openvino")
