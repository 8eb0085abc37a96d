"""Run a chain of links on a whole image, or some of its steps on a piece.

Symbols: N images, C features, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch

from napari_sr.graph.chain import (
    IMAGE,
    RESULT,
    ChunkedAttention,
    GlobalStats,
    Link,
    Step,
    Window,
    inputs_of,
    outputs_of,
)
from sr_kernels.plane_moments import plane_moments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

_Link = TypeVar("_Link", bound=Link)


def _with_last_uses(
    chain: Sequence[_Link], wanted: Iterable[str] = (RESULT,)
) -> Iterator[tuple[_Link, set[str]]]:
    """Yield every link, and the names it reads that neither later links nor `wanted` need."""
    wanted = set(wanted)
    pairs: list[tuple[_Link, set[str]]] = []
    for link in reversed(chain):
        inputs = set(inputs_of(link))
        pairs.append((link, inputs - wanted))
        wanted = (wanted - set(outputs_of(link))) | inputs
    return reversed(pairs)


def compute(
    step: Step, held: Mapping[str, Tensor], window: Window
) -> tuple[dict[str, Tensor], tuple[Tensor, ...] | None]:
    """Compute one step on a piece.

    Parameters
    ----------
    step : Step
        The step to compute.
    held : mapping of str to Tensor
        The piece of every plane that the step reads, and every value that it uses.
    window : Window
        Position and size of the piece.

    Returns
    -------
    planes : dict of str to Tensor
        The pieces that the step writes.
    moments : tuple of Tensor or None
        The moments of the first plane, and the gathered value if the step returns it; None if the
        step returns no moments.
    """
    inputs: list[Tensor | Window] = [held[name] for name in (*step.reads, *step.uses)]
    if step.placed:
        inputs.append(window)
    written = step.compute(*inputs)
    outputs = written if isinstance(written, tuple) else (written,)
    moments = None
    if step.moments:
        planes = len(step.writes)
        outputs, moments = outputs[:planes], outputs[planes:]
    return dict(zip(step.writes, outputs, strict=True)), moments


def attend(link: ChunkedAttention, held: Mapping[str, Tensor]) -> Tensor:
    """Compute the output of `link` from whole planes, (N, C, H, W)."""
    size = held[link.reads[0]].shape[2:]
    queries, keys = (held[name].flatten(2) for name in link.reads)
    chunks = link.chunks(queries.shape[2])
    found = [link.compute(queries[..., chunk], (keys[..., chunk],)) for chunk in chunks]
    planes = torch.cat(found, dim=2)
    return planes.reshape(*planes.shape[:2], *size)


def run_steps(
    steps: Sequence[Step], given: Mapping[str, Tensor], wanted: Sequence[str]
) -> tuple[Tensor, ...]:
    """Run steps on one piece as if it were the whole plane.

    Planes are dropped as soon as no later step reads them.

    Parameters
    ----------
    steps : sequence of Step
        Steps that do not need the position of the piece, or whose values are localised for it.
    given : mapping of str to Tensor
        The piece of every plane that the steps read but do not write, and every value that they
        use.
    wanted : sequence of str
        Names of planes that the steps write.

    Returns
    -------
    tuple of Tensor
        The pieces of `wanted`.
    """
    held = dict(given)
    for step, dead in _with_last_uses(steps, wanted):
        window = Window.whole(*held[step.reads[0]].shape[-2:])
        held.update(compute(step, held, window)[0])
        for name in dead:
            del held[name]
    return tuple(held[name] for name in wanted)


def _gathered(link: GlobalStats, plane: Tensor, moments: tuple[Tensor, ...]) -> Tensor:
    """Return the value of a whole plane; use any moments or value that a step returned."""
    mean, deviations, *value = moments or plane_moments(plane)
    return value[0] if value else link.finish(mean, deviations, plane.shape[2] * plane.shape[3])


def planes_before(
    chain: Sequence[Link], image: Tensor, values: Mapping[str, Tensor] | None = None
) -> Iterator[tuple[int, Mapping[str, Tensor]]]:
    """Run a chain on a whole image; before every link, yield the planes and values in memory.

    Planes are dropped as soon as no later link reads them.

    Parameters
    ----------
    chain : sequence of Link
        Links to run.
    image : Tensor, (N, C, H, W)
        The image.
    values : mapping of str to Tensor, optional
        Values that the chain uses but does not gather: `NOISE`.

    Yields
    ------
    place : int
        Index of the next link; at the end, the number of links.
    held : mapping of str to Tensor
        Planes and values by name; at the end, the result.
    """
    held: dict[str, Tensor] = {IMAGE: image, **(values or {})}
    moments: dict[str, tuple[Tensor, ...]] = {}
    window = Window.whole(*image.shape[-2:])
    for place, (link, dead) in enumerate(_with_last_uses(chain)):
        yield place, held
        if isinstance(link, Step):
            written, known = compute(link, held, window)
            if known is not None:
                moments[link.writes[0]] = known
        elif isinstance(link, GlobalStats):
            written = {link.writes: _gathered(link, held[link.reads], moments.pop(link.reads, ()))}
        elif isinstance(link, ChunkedAttention):
            written = {link.writes: attend(link, held)}
        else:
            written = {link.writes: link.finish(link.compute(held[link.reads]))}
        for name in dead:
            del held[name]
        held.update(written)
        del written
    yield len(chain), held


def run(chain: Sequence[Link], image: Tensor, values: Mapping[str, Tensor] | None = None) -> Tensor:
    """Run a chain on a whole image, (N, C, H, W), as one piece; `values` as in `planes_before`.

    Returns
    -------
    Tensor, (N, C, scale * H, scale * W)
    """
    *_, (_, held) = planes_before(chain, image, values)
    return held[RESULT]
