"""What a user should know of a run whose network cannot do all that most can."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network


def run_warnings(plan: Plan, network: Network, settings: Settings) -> Iterator[str]:
    """Yield what is not as it was asked for, or not exact.

    Parameters
    ----------
    plan : Plan
        What was decided.
    network : Network
        That runs.
    settings : Settings
        What was asked for.
    """
    precision, tile = settings.precision, settings.tile
    if tile is not None and plan.tile < tile:
        yield (
            f"tiles of {tile} px do not fit into memory, or have feature maps that are too large "
            f"for {plan.device}: tiles of {plan.tile} px are used instead"
        )
    if precision not in ("auto", *network.precisions):
        yield f"{network.title} cannot compute in {precision}, so that float32 is used"
    if not plan.tiled:
        return
    if network.whole:
        yield (
            f"{network.title} should see the whole image, {plan.height} x {plan.width} px: its "
            f"tiles of {plan.side} px may show"
        )
    elif not network.exact:
        halo = plan.network_profile.radius if plan.halo is None else plan.halo
        yield (
            f"how far {network.title} looks is not known: its tiles overlap by {halo} px on each "
            "side, and may show"
        )
