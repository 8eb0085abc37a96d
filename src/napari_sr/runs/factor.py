"""Choose the networks for an enlargement by any factor, such as 2.5 or to a given pixel size.

The network with the next larger scale runs, and the engine shrinks its result to the factor. If no
network of the family enlarges enough, two of them run one after the other.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.engine.image.conversion import is_number
from napari_sr.graph.factor import exact_factor, in_words
from napari_sr.runs.model import ModelReference
from napari_sr.zoo.file_kind import names_file
from napari_sr.zoo.registry import matching

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from napari_sr.graph.factor import Factor
    from napari_sr.graph.network import Network
    from napari_sr.zoo.registry import Entry

LARGEST = 16
"""Largest factor."""
ROUNDING = Fraction(1, 10**9)
"""Largest relative difference of a ratio of pixel sizes from a whole number that counts as none."""


def checked_factor(scale: object) -> Factor:
    """Check an enlargement factor, and return it exactly.

    Raises
    ------
    ValueError
        If it is no number from 1 to `LARGEST`.
    """
    if not is_number(scale, 1, LARGEST):
        less = is_number(scale, 0, 1) and scale != 0
        hint = ": napari-sr enlarges images, and does not shrink them" if less else ""
        got = str(scale) if isinstance(scale, Fraction) else repr(scale)
        raise ValueError(f"scale must be a number from 1 to {LARGEST}, got {got}{hint}")
    return exact_factor(scale if isinstance(scale, Fraction) else float(scale))  # type: ignore[arg-type]


def factor_for(source: object, wanted: object, unit: str = "") -> Factor:
    """Return the factor that turns pixels of one size into pixels of another size.

    Parameters
    ----------
    source, wanted : float
        Pixel sizes of the image and of its result, in the same unit.
    unit : str
        The unit, for error messages.

    Raises
    ------
    ValueError
        If a size is no number above 0, or the wanted pixels are larger than those of the image.
    """
    for name, size in (("the image's pixel size", source), ("pixel_size", wanted)):
        if not is_number(size) or not size > 0:  # type: ignore[operator]
            raise ValueError(f"{name} must be a number above 0, got {size!r}")
    sizes = [Fraction(repr(float(size))) for size in (source, wanted)]  # type: ignore[arg-type]
    ratio = sizes[0] / sizes[1]
    if not 1 <= ratio <= LARGEST:
        ends, got = (float(sizes[0]), float(sizes[0]) / LARGEST), float(sizes[1])
        most, least, given = (f"{size:g} {unit}".rstrip() for size in (*ends, got))
        raise ValueError(
            f"pixel_size must be at most the image's {most} and at least a {LARGEST}th of it, "
            f"{least}, got {given}"
        )
    nearest = round(ratio)
    # sizes such as 1/3 are rounded in files, and should not need a larger network
    return nearest if abs(ratio - nearest) <= ROUNDING * ratio else exact_factor(ratio)


def factor_of(scale: float | Fraction | None, pixel_size: object) -> float | Factor | None:
    """Return the factor that `scale` or `pixel_size` gives, as for `napari_sr.upscale`.

    Raises
    ------
    ValueError
        If both are given, or the sizes are wrong.
    """
    if pixel_size is None:
        return scale
    if scale is not None or not isinstance(pixel_size, tuple | list) or len(pixel_size) != 2:
        raise ValueError(
            "pixel_size needs two numbers, the image's and the wanted pixel size, and no scale, "
            f"got pixel_size={pixel_size!r}, scale={scale!r}"
        )
    return Fraction(factor_for(*pixel_size))


def reference_at(model: str | os.PathLike[str] | Network | None, scale: object) -> ModelReference:
    """Return the reference to a model that enlarges by any factor.

    Parameters
    ----------
    model : str, path or Network, optional
        As for `napari_sr.upscale`.
    scale : float, Fraction or None
        The factor; None for the scale that name or file shows. A whole number for a file is the
        scale of its network.

    Raises
    ------
    ValueError
        If the model or the factor is wrong.
    """
    plain = ModelReference(None) if model is None else ModelReference.of(model)
    return at_scale(plain, scale)


def at_scale(reference: ModelReference, scale: object) -> ModelReference:
    """Return a model that enlarges by any factor.

    Parameters
    ----------
    reference : ModelReference
        A model without a factor. If another model reads its result, both together enlarge by the
        factor.
    scale : float, Fraction or None
        As for `reference_at`.

    Raises
    ------
    ValueError
        If the model or the factor is wrong.
    """
    if scale is None:
        return reference
    if reference.then is None and is_number(scale, 1) and scale == int(scale):  # type: ignore[call-overload]
        number = int(scale)  # type: ignore[call-overload]
        known = None if _is_network(reference) else _entries(reference)
        own = (number,) if known is None else [one.scale for one in known]
        if number in own and not _is_network(reference):
            return replace(reference, scale=number)
    return with_factor(reference, checked_factor(scale))


def _is_network(reference: ModelReference) -> bool:
    """Return whether a reference has a loaded network instead of a name or a file."""
    return not (reference.name is None or isinstance(reference.name, str | Path))


def with_factor(reference: ModelReference, factor: Factor) -> ModelReference:
    """Return a model that enlarges by a factor: by one network, or by two if one is not enough.

    Parameters
    ----------
    reference : ModelReference
        A model without a factor. If another model reads its result, both together enlarge by the
        factor.
    factor : int or Fraction
        The enlargement.

    Raises
    ------
    ValueError
        If no model has this name, or its networks do not enlarge that much, or cannot run twice.
    """
    known = _entries(reference)
    if reference.then is not None:
        _, first, second = _least(_scales(reference), _scales(reference.then), factor, reference)
        found = replace(_at(reference, first), then=_at(reference.then, second))
        return _to(found, first * second, factor)
    if known is None:  # loading the file shows its scale
        return replace(reference, factor=factor)
    enough = [one.scale for one in known if one.scale >= factor]
    if enough:
        return _to(_at(reference, min(enough)), min(enough), factor)
    if not known[0].training.can_follow:
        raise ValueError(
            f"{reference.label} enlarges at most {max(one.scale for one in known)} times, got "
            f"{in_words(factor)}: it needs the level of the noise, which is unknown after its "
            "first run; choose a smaller factor, or another model"
        )
    family = known[0].family
    _, first, second = _least(
        [one.scale for one in known], [one.scale for one in matching(family)], factor, reference
    )
    later = ModelReference(family, second, title=reference.title)
    return _to(replace(_at(reference, first), then=later), first * second, factor)


def _entries(reference: ModelReference) -> tuple[Entry, ...] | None:
    """Return the checkpoints that a model's name may mean; None for a file or a network."""
    name = reference.name
    if name is not None and (not isinstance(name, str) or names_file(name)):
        return None
    found = matching(name)
    return found if reference.scale is None else (reference.entry or found[0],)


def _scales(reference: ModelReference) -> list[int]:
    """Return the scales that a model offers; a file is loaded to find its scale."""
    known = _entries(reference)
    if known is not None:
        return [one.scale for one in known]
    if reference.scale is not None:
        return [reference.scale]
    from napari_sr.runs import cache

    return [cache.load(replace(reference, then=None, consistent=False)).scale]


def _at(reference: ModelReference, scale: int) -> ModelReference:
    """Return a known model at a scale; a file has only one."""
    known = _entries(reference)
    if known is None:
        return reference
    return replace(reference, name=reference.name or known[0].family, scale=scale)


def _to(reference: ModelReference, total: int, factor: Factor) -> ModelReference:
    return replace(reference, factor=None if factor == total else factor)


def _least(
    first: Sequence[int], second: Sequence[int], factor: Factor, reference: ModelReference
) -> tuple[int, int, int]:
    """Return the least product of two scales that reaches the factor, and both scales.

    Raises
    ------
    ValueError
        If no product is large enough.
    """
    pairs = [(one * two, one, two) for one in first for two in second]
    enough = [pair for pair in pairs if pair[0] >= factor]
    if not enough:
        raise ValueError(
            f"{reference.label or 'the model'} enlarges at most {max(pairs)[0]} times with two "
            f"networks, got scale={in_words(factor)}"
        )
    # of equal products, the one whose first scale is larger: the first network saw real pixels
    return min(enough, key=lambda pair: (pair[0], -pair[1]))
