"""The description of an exported model package, in the format 0.5.

https://bioimage-io.github.io/spec-bioimage-io
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_sr import __version__, models
from napari_sr.onnx.export import OPSETS
from napari_sr.zoo.registry import entries

if TYPE_CHECKING:
    from napari_sr.graph.network import Network
    from napari_sr.zoo.registry import Entry

FORMAT = "0.5.4"
"""The oldest format that has all that we write; newer programs read it, too."""
HOME = "https://github.com/napari-sr/napari-sr"
_CHANNELS = {1: ["grey"], 3: ["red", "green", "blue"]}
LICENCES = re.compile(r"[A-Za-z0-9.+-]+-\d+(\.\d+)*[A-Za-z0-9.+-]*|MIT|ISC|Unlicense")
"""Matches the identifiers of SPDX that models here have, such as CC-BY-4.0."""


@dataclass(frozen=True)
class About:
    """What only the user can say about a network."""

    authors: tuple[str, ...] = ()
    licence: str | None = None
    """An identifier of SPDX, such as CC-BY-4.0; by default that of a known model."""
    purpose: str | None = None
    """What the network is for; by default that of a known model."""


def described(
    network: Network, about: About, size: int, files: dict[str, bytes], noise: float | None = None
) -> dict[str, Any]:
    """Return the description of a package.

    Parameters
    ----------
    network : Network
        A network from grey or RGB in 0..1 to the same.
    about : About
        What only the user can say.
    size : int
        Smallest side of an image, from `least_side`.
    files : dict of str to bytes
        The files of the package.
    noise : float, optional
        The level of the noise that the network takes for every image.
    """
    entry = _entry(network)
    licence = about.licence or (None if entry is None else _spdx(entry.licence))
    name = str(network.provenance.get("model", network.title))
    return {
        "format_version": FORMAT,
        "type": "model",
        "name": _name(f"{network.title} x{network.scale} ({name})"),
        "description": _purpose(network, about, noise)[:1000],
        "authors": [{"name": one} for one in about.authors or ("The napari-sr developers",)],
        "cite": _citations(network),
        **({} if licence is None else {"license": licence}),
        "tags": ["super-resolution" if network.scale > 1 else "restoration", "2d", "napari-sr"],
        "documentation": "README.md",
        "version": "0.1.0",
        "inputs": [_tensor(network, "image", "test_input.npy", files, {"min": size})],
        "outputs": [_tensor(network, "result", "test_output.npy", files, None)],
        "weights": {
            "onnx": {**_file("weights.onnx", files), "opset_version": OPSETS.start},
        },
        # results may overshoot 0..1, which is black to white all the same
        "config": {"napari_sr": {"result": [0, 1], "version": __version__}},
    }


def _tensor(
    network: Network, name: str, test: str, files: dict[str, bytes], size: dict[str, int] | None
) -> dict[str, Any]:
    """Return the description of the input, or of the output if `size` is None."""
    alignment, field = network.tile_alignment, network.receptive_field
    axes: list[dict[str, Any]] = [
        {"type": "batch"},
        {"type": "channel", "id": "channel", "channel_names": [*_CHANNELS[network.channels]]},
    ]
    for axis in "yx":
        found: dict[str, Any] = {"type": "space", "id": axis}
        if size is not None:
            found |= {"size": {**size, "step": alignment}, "scale": 1.0}
        else:
            found |= {
                "size": {"tensor_id": "image", "axis_id": axis},
                "scale": 1 / network.scale,
                **({"halo": field * network.scale} if field else {}),
            }
        axes.append(found)
    low, high = (0.0, 1.0) if size is not None else (None, None)
    return {
        "id": name,
        "description": "0 is black, 1 is white; not clipped"
        if size is None
        else "0 black, 1 white",
        "axes": axes,
        "data": {"type": "float32", "range": [low, high]},
        "test_tensor": _file(test, files),
    }


def least_side(network: Network) -> int:
    """Return the smallest side of an image, which must be longer than two halos."""
    field, step = network.receptive_field or 0, network.tile_alignment
    return math.ceil(max(network.least_size, 2 * field + 1) / step) * step


def _file(name: str, files: dict[str, bytes]) -> dict[str, str]:
    return {"source": name, "sha256": hashlib.sha256(files[name]).hexdigest()}


def _entry(network: Network) -> Entry | None:
    """Return the registry's entry of a network's weights."""
    weights = network.provenance.get("sha256")
    return next((one for one in entries() if weights and one.sha256 == weights), None)


def _citations(network: Network) -> list[dict[str, str]]:
    """Return the papers of the networks inside, or ours if they are of another library."""
    files = {type(one).__module__.rpartition(".")[2] for one in network.modules()}
    records = [models.architecture(name) for name in models.names() if name in files]
    records = [one for one in records if any(isinstance(x, one.network) for x in network.modules())]
    papers = [{"text": f"{one.title} ({one.year})", "url": one.paper} for one in records]
    return papers or [{"text": f"napari-sr {__version__}", "url": HOME}]


def _spdx(licence: str) -> str | None:
    return licence if LICENCES.fullmatch(licence) else None


def _name(text: str) -> str:
    """Return a name with the letters that the format allows."""
    return " ".join(re.sub(r"[^A-Za-z0-9_+\- ()]", " ", text).split())[:64].strip()


def _purpose(network: Network, about: About, noise: float | None) -> str:
    entry = _entry(network)
    words = f"Enlarges images {network.scale} times." if network.scale > 1 else "Restores images."
    told = about.purpose or (words if entry is None else f"{words} {entry.summary}")
    if noise is None:
        return told
    return (
        f"For noise with a standard deviation of {noise:g}, where white is 1: it takes every image "
        f"for as noisy. {told}"
    )


def document(network: Network, about: About, noise: float | None = None) -> str:
    """Return the documentation of a package; arguments as for `described`."""
    field = network.receptive_field
    looks = "the whole image" if field is None else f"{field} pixels around each pixel"
    return (
        f"# {network.title} x{network.scale}\n\n{_purpose(network, about, noise)}\n\n"
        f"Input: {' and '.join(_CHANNELS[network.channels])} from 0 (black) to 1 (white). The "
        "result is not clipped. The network pads images with zeros, so the outermost pixels of a "
        f"result are less reliable. It looks at {looks}.\n\n"
        "## Validation\n\nCompare with the test image and its result, then with images of your own "
        "whose finer version you know.\n\n"
        f"Exported by napari-sr {__version__} from weights with the SHA-256 "
        f"{network.provenance.get('sha256', 'unknown')}.\n"
    )
