"""Recognise the network of a checkpoint's tensors, and build it.

Every architecture checks whether the tensors belong to it; exactly one must accept them.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sr import models
from napari_sr.zoo.key_prefixes import Part, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_sr.graph.network import Architecture, Network, Options, StateDict

_Match: TypeAlias = "tuple[Architecture, StateDict, Options]"


CHANNELS = (1, 3)
"""Numbers of channels that networks for images may have."""
CHOICE = "chosen_weights"
"""Key of a network's provenance: sentences on which tensors of its file were chosen."""


class UnknownNetworkError(ValueError):
    """A checkpoint matches no network of napari-sr."""


def build(state: StateDict, /, *, scale: int | None = None, **options: Any) -> Network:
    """Build the network of a checkpoint, in eval mode.

    If only a part of the checkpoint is the network, its provenance says which part.

    Parameters
    ----------
    state : mapping of str to Tensor
        A checkpoint's tensors by key, in any known layout.
    scale : int, optional
        Required if it cannot be inferred from the tensors; otherwise it must agree with them.
    **options
        Keywords of the network's constructor that cannot be inferred from the tensors, such as
        `res_scale` or `input_range`.

    Raises
    ------
    UnknownNetworkError
        If the tensors match no network.
    ValueError
        If the scale is missing or contradicts the tensors, if an option is unknown or contradicts
        them, or if weights are integers or booleans.
    """
    part, match = _one_match(state)
    return _built(match, scale, options, part.remarks())


def build_as(name: str, state: StateDict, /, *, scale: int, **options: Any) -> Network:
    """Build a network whose name is known, as `build` does, but import no other network.

    Parameters
    ----------
    name : str
        Name of the network: that of its file in `models`.
    state, scale, **options
        As for `build`.

    Raises
    ------
    UnknownNetworkError
        If the tensors are not those of this network.
    ValueError
        If there is no such network, or as `build` does.
    """
    match = _match(models.architecture(name), state)
    if match is None:
        raise UnknownNetworkError(f"tensors of {name} expected, got {', '.join(list(state)[:5])}")
    return _built(match, scale, options, ())


def _built(
    match: _Match, scale: int | None, options: dict[str, Any], remarks: Iterable[str]
) -> Network:
    """Return the network of a match, in eval mode, with remarks in its provenance."""
    record, adapted, found = match
    given = {key: value for key, value in options.items() if value is not None}
    if scale is not None:
        given["scale"] = scale
    scales = found.pop("scales", None)
    if scales is not None and scale not in scales:
        raise ValueError(
            f"this is {record.title}, which has the scales {scales}: give one as scale=, got "
            f"{scale}"
        )
    _check_options(record, given, found)
    check_channels(record, found)
    if "scale" not in given and "scale" not in found:
        raise ValueError(
            f"this is {record.title}, whose tensors do not show the scale: give scale=, "
            f"such as scale=2 (read from its tensors: {found})"
        )
    try:
        network = record.network(**{**found, **given})
    except TypeError as error:
        raise ValueError(f"this is {record.title}, which cannot be built with {given}") from error
    weights = adapted if scales is None else record.narrow(adapted, network.scale)
    _check_types(weights, network)
    network.load_state_dict(weights)
    told = [*remarks, *assumptions(record, {**found, **given})]
    network.provenance = {CHOICE: told} if told else {}
    return network.eval()


def assumptions(record: Architecture, known: Options) -> tuple[str, ...]:
    """Return a sentence for each option that neither the tensors show nor the user gave."""
    return tuple(text for option, text in record.unseen.items() if option not in known)


def check_channels(record: Architecture, found: Options) -> None:
    """Check that images have as many channels as a network.

    Raises
    ------
    ValueError
        If it has neither 1 nor 3 channels; the message names their number.
    """
    channels = found.get("channels", 1)
    if channels not in CHANNELS:
        raise ValueError(
            f"this is {record.title} with {channels} channels: only networks of 1 channel (grey) "
            "or 3 (RGB) can be used"
        )


def recognise(state: StateDict) -> tuple[Architecture, StateDict, Options]:
    """Return the network that tensors belong to, the tensors under its keys, and its options.

    If the tensors as a whole fit no network, common prefixes of keys are cut off.

    Raises
    ------
    UnknownNetworkError
        If no network has exactly these keys and shapes; the message names the nearest.
    ValueError
        If several networks have these keys and shapes, or a value is not a tensor.
    """
    return _one_match(state)[1]


def remarks_on(state: StateDict) -> tuple[str, ...]:
    """Return sentences on which of the tensors were recognised; () if all were.

    Raises
    ------
    UnknownNetworkError, ValueError
        As `recognise` does.
    """
    return _one_match(state)[0].remarks()


def _one_match(state: StateDict) -> tuple[Part, _Match]:
    import torch

    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(
                f"a checkpoint must contain only tensors, got {type(value).__name__} as {key!r}"
            )
    found = [(Part(state), match) for match in _matches(state)]
    if not found:
        found = [(part, match) for part in parts(state) for match in _matches(part.tensors)]
        averaged = [(part, match) for part, match in found if part.averaged]
        found = averaged or found
    if len(found) == 1:
        return found[0]
    keys = ", ".join(list(state)[:5])
    if not found:
        from napari_sr.zoo.nearest import describe

        records = [models.architecture(name) for name in models.names()]
        raise UnknownNetworkError(
            f"a checkpoint must match one network; this one matches none of the {len(records)} "
            f"here; it has {len(state)} tensors, the first of them {keys or '(none)'}; "
            f"{describe(state, records)}"
        )
    titles = [f"{part.prefix}* as {match[0].title}".removeprefix("* as ") for part, match in found]
    raise ValueError(f"a checkpoint must match one network; this one matches {titles}: {keys}")


def _matches(state: StateDict) -> Iterator[_Match]:
    for name in models.names():
        match = _match(models.architecture(name), state)
        if match is not None:
            yield match


def _match(record: Architecture, state: StateDict) -> _Match | None:
    """Return a network with tensors and options, or None if the tensors are not its own."""
    adapted = record.adapt(state)
    # with the original keys, because they may show options that our keys do not
    options = record.options_of({**state, **adapted})
    fits = options is not None and _fits(record, adapted, options)
    return (record, adapted, options) if options is not None and fits else None


def _fits(record: Architecture, state: StateDict, options: Options) -> bool:
    """Return whether a network with these options has exactly these keys and shapes."""
    try:
        expected = record.shapes(options)
    except ValueError:
        return False
    return {key: tuple(value.shape) for key, value in state.items()} == expected


def _check_types(weights: StateDict, network: Network) -> None:
    for key, own in network.state_dict().items():
        if own.is_floating_point() and not weights[key].is_floating_point():
            kind = str(weights[key].dtype).removeprefix("torch.")
            raise ValueError(
                f"this is {network.title}, whose {key!r} must be floats, got a tensor of {kind}"
            )


def _check_options(record: Architecture, given: Options, found: Options) -> None:
    known = inspect.signature(record.network).parameters
    for key, value in given.items():
        if key not in known:
            raise ValueError(
                f"{record.title} has no option {key}={value!r}; it has {', '.join(known)}"
            )
        if key in found and key != "input_range" and found[key] != value:
            raise ValueError(
                f"the checkpoint is a {record.title} with {key}={found[key]!r}, got {key}={value!r}"
            )
