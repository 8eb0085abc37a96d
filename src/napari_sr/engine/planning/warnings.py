"""Warn if a run differs from the request, or if its tiles are not exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network


def run_warnings(plan: Plan, network: Network, settings: Settings) -> Iterator[str]:
    """Yield a sentence for each difference from the request and each reason for inexact tiles.

    Parameters
    ----------
    plan : Plan
        Plan of the run.
    network : Network
        Network to run.
    settings : Settings
        Requested settings.
    """
    precision, tile = settings.precision, settings.tile
    if tile is not None and plan.tile < tile:
        yield (
            f"tiles of {tile} px do not fit into memory, or their feature maps are too large for "
            f"{plan.device}: tiles of {plan.tile} px are used instead"
        )
    if precision not in ("auto", *network.precisions):
        yield f"{network.title} cannot compute in {precision}: float32 is used instead"
    passes = [f"x{one['scale']}" for one in _networks(network) if one.get("scale", 1) > 1]
    if len(passes) > 1:
        yield (
            f"enlarged in {len(passes)} passes, {' and then '.join(passes)}: each pass takes the "
            "result before it for an image, so most of the fine detail is invented"
        )
    if not plan.tiled:
        return
    if network.whole:
        yield (
            f"{network.title} should get the whole image of {plan.height} x {plan.width} px at "
            f"once: tiles of {plan.side} px may leave visible seams"
        )
    elif not network.exact:
        halo = plan.network_profile.radius if plan.halo is None else plan.halo
        if network.halo_source and plan.halo is None:
            yield (
                f"tiles of {network.title} overlap by {halo} px on each side, "
                f"{network.halo_source}; it is not proven that this leaves no seams"
            )
            return
        yield (
            f"the receptive field of {network.title} is not known: tiles overlap by {halo} px on "
            "each side and may leave visible seams"
        )


def _networks(network: Network) -> Sequence[Mapping[str, Any]]:
    """Return the provenance of the networks that run one after the other."""
    series: Any = network.provenance.get("series", ())
    return [part for one in series for part in one.get("series", [one])]
