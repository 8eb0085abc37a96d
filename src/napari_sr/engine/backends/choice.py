"""Choose the engine of a run: PyTorch, or a compiler for this processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.engine.backends import library
from napari_sr.engine.backends.compiled import Compiled
from napari_sr.engine.backends.compilers import COMPILERS, installed
from napari_sr.engine.backends.fingerprint import fingerprint
from napari_sr.engine.planning.settings import EngineError

if TYPE_CHECKING:
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

ENGINES = ("auto", "torch", *COMPILERS)


def compiled_for(
    settings: Settings, plan: Plan, network: Network, channels: int, *, waits: bool = False
) -> Compiled | None:
    """Return the engine that compiles segments of a run, or None if PyTorch computes the run.

    Parameters
    ----------
    settings : Settings
        Settings of the run; only the engine, the kernels and the precision are used.
    plan : Plan
        Plan of the run, for its device and precision.
    network : Network
        Network to run.
    channels : int
        Channels of the image.
    waits : bool
        Whether the run waits until its segments are compiled, so that one engine computes all
        tiles, and a repeated run gives the same bits.

    Raises
    ------
    EngineError
        If there is no such engine, or the chosen one is not installed or cannot compute on this
        device, in this precision or with these kernels.
    """
    engine = settings.chosen_engine
    if engine not in ENGINES:
        raise EngineError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    if engine == "torch":
        return None
    suits = plan.device.type == "cpu" and plan.precision == torch.float32
    suits = suits and settings.kernels != "triton"
    if engine != "auto" and not suits:
        raise EngineError(
            f"the engine {engine!r} computes only on a CPU, in "
            f"{' or '.join(COMPILERS[engine].PRECISIONS)}, without Triton kernels; got device "
            f"{plan.device}, precision {str(plan.precision).removeprefix('torch.')} and kernels "
            f"{settings.kernels!r}"
        )
    found = installed()
    if engine != "auto" and engine not in found:
        extra = COMPILERS[engine].EXTRA
        raise EngineError(
            f"the engine {engine!r} is not installed: pip install 'napari-sr[{extra}]'"
        )
    has_weights = next(network.parameters(), None) is not None
    if not suits or not found or not has_weights:
        return None
    chosen = found if engine == "auto" else [engine]
    half = engine == "openvino" and settings.precision == "bfloat16"
    precision = "bfloat16" if half and "bfloat16" in network.precisions else "float32"
    always = engine != "auto"
    return Compiled(network, channels, chosen, always=always, precision=precision, waits=waits)


def expected_engine(
    settings: Settings, plan: Plan, network: Network, channels: int
) -> tuple[str, float]:
    """Return the engine that will probably compute most of a run, and its speed.

    Parameters
    ----------
    settings, plan, network, channels
        As for `compiled_for`.

    Returns
    -------
    engine : str
        "torch" or one of `COMPILERS`.
    gain : float
        The engine's speed divided by PyTorch's, from earlier trials of this network on this
        machine.

    Raises
    ------
    EngineError
        As `compiled_for` does.
    """
    compiled = compiled_for(settings, plan, network, channels)
    if compiled is None:
        return "torch", 1.0
    times: dict[str, list[tuple[float, float]]] = {}
    for verdict in library.verdicts_on(fingerprint(network)):  # of tiles of any size
        useful = verdict.faster or (compiled.always and verdict.right)
        if verdict.engine in compiled.engines and useful:
            pair = verdict.milliseconds, verdict.torch_milliseconds
            times.setdefault(verdict.engine, []).append(pair)
    gains = {
        engine: sum(torch_own for _, torch_own in pairs) / max(sum(own for own, _ in pairs), 1e-3)
        for engine, pairs in times.items()
    }
    best = max(gains, key=lambda engine: gains[engine], default="torch")
    return best, gains.get(best, 1.0)
