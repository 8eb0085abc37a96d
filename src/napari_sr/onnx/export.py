"""Export a network to an ONNX file for any image size; the file is checked before it is written.

Symbols: N images, C image channels, H x W pixels, S scale.
"""

from __future__ import annotations

import copy
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from napari_sr import __version__
from napari_sr.atomic_write import atomic_write
from napari_sr.files.place import check_place
from napari_sr.graph.network import Network
from napari_sr.onnx.graph import IMAGE, ExportError, graph_of
from napari_sr.onnx.probes import image_for, probes
from napari_sr.runs.model import ModelReference
from napari_sr.zoo.bioimage.packaged import Packaged
from napari_sr.zoo.registry import entries

SUFFIXES = (".onnx",)
PACKAGES = ("onnx", "onnxruntime")
OPSETS = range(18, 21)
"""Versions of ONNX's operators that can be written; most programs can read the first one."""
TOLERANCE = 1e-4
"""Files with larger errors are not written. The unit is the range of the network's results."""


def export(
    model: str | Path | Network,
    path: str | Path,
    scale: int | None = None,
    *,
    opset: int = OPSETS.start,
    overwrite: bool = False,
    **options: Any,
) -> Path:
    """Write a network as an ONNX file, in float32, for any number of images of any size.

    First, onnxruntime runs the exported network at three sizes, and the results are compared with
    those of PyTorch. If writing fails, no partial file is left. The file's metadata contain model,
    scale, channels, value range, allowed sizes, the weights' SHA-256 and licence, and the version
    of napari-sr.

    Parameters
    ----------
    model : str, Path or Network
        As for `load`, or a network that it returned, which is not changed.
    path : str or Path
        The file to write; it must end in .onnx.
    scale, **options
        As for `load`, if the model is a name or a file.
    opset : int
        Version of ONNX's operators, 18 to 20.
    overwrite : bool
        Whether to replace an existing file.

    Returns
    -------
    Path
        Path of the file.

    Raises
    ------
    ValueError
        If the model, its options, the opset or the path are wrong.
    ExportError
        If the packages of the extra `onnx` are missing, PyTorch cannot export the network, or
        the file's results differ from the network's.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    OSError
        If the file cannot be written.
    """
    path = Path(os.path.expanduser(path))
    check_ready(path, opset, overwrite=overwrite)
    if isinstance(model, Network) and (options or scale not in (None, model.scale)):
        raise ValueError(
            "scale and options must not be given for a loaded network, got "
            f"scale={scale} and options {options} for one of scale {model.scale}"
        )
    content = content_of(plain(ModelReference.of(model, scale, options).load()), opset)
    with atomic_write(path) as file:
        file.write(content)
    return path


def plain(network: Network) -> Network:
    """Return a copy of a network that can be exported: on the CPU, in float32.

    Raises
    ------
    ExportError
        If the network is that of a model package, which already is a file for other programs.
    """
    if isinstance(network, Packaged):
        raise ExportError(f"{network.title} comes from a model package: pass on that package")
    found = copy.deepcopy(network).cpu().float().eval()
    # the exporter identifies parameters by their memory, which it copies for other memory formats
    return found.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload,no-any-return]


def content_of(network: Network, opset: int) -> bytes:
    """Return the content of a network's file, which was compared with the network.

    Parameters
    ----------
    network : Network
        A network that `plain` returned.
    opset : int
        Version of ONNX's operators.

    Raises
    ------
    ExportError
        As `export` does.
    """
    graph = graph_of(network, image_for(network, 2, 10, 13), opset)  # no two lengths are equal
    error = _error(graph.SerializeToString(), network)
    return _labelled(graph, {**metadata(network), "max_error": f"{error:.1e}"})


def check_ready(
    path: Path, opset: int, *, overwrite: bool, suffixes: tuple[str, ...] = SUFFIXES
) -> None:
    """Check path, opset and packages, before anything is loaded or computed.

    The path must end in one of `suffixes`.

    Raises
    ------
    ExportError
        If a package is missing.
    ValueError
        If the path cannot be written, or the opset is unsupported.
    """
    check_place(path, suffixes, overwrite=overwrite)
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise ExportError(
            f"ONNX export needs {' and '.join(PACKAGES)}, and {' and '.join(missing)} cannot be "
            "found: pip install 'napari-sr[onnx]'"
        )
    if opset not in OPSETS:
        raise ValueError(f"opset must be from {OPSETS.start} to {OPSETS.stop - 1}, got {opset}")


def metadata(network: Network) -> dict[str, str]:
    """Return the metadata of a network's file, except the measured error."""
    known = network.provenance
    weights = known.get("sha256")
    entry = next((entry for entry in entries() if weights and entry.sha256 == weights), None)
    radius = network.receptive_field
    everything = "everything" if network.exact else "unknown"
    return {
        "model": str(known.get("model", network.title)),
        "network": network.title,
        "scale": str(network.scale),
        "channels": str(network.inputs),
        "value_range": "0..1",
        "sees": _sees(network),
        "least_size": str(network.least_size),
        "multiple": str(network.multiple),
        "receptive_field": everything if radius is None else str(radius),
        "weights_sha256": str(weights or "unknown"),
        "licence": "unknown" if entry is None else entry.licence,
        "napari_sr": __version__,
    }


def _sees(network: Network) -> str:
    """Return the meaning of the channels, and their values of black and white."""
    last = "; the last plane has the noise's standard deviation" if network.takes_noise else ""
    if network.channels != 1:
        return f"RGB, 0 black, 1 white{last}"
    if network.full_range:
        return f"grey, 0 black, 1 white{last}"
    return f"luma, 16/255 black, 235/255 white{last}"


def _error(content: bytes, network: Network) -> float:
    """Return the file's largest error, in units of the range of the network's results.

    Raises
    ------
    ExportError
        If the error is too large, or onnxruntime cannot run the file.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = (kind for kind in vars(state).values() if isinstance(kind, type))
    refusals = tuple(kind for kind in kinds if issubclass(kind, Exception))
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    error, low, high = 0.0, float("inf"), -float("inf")
    try:
        session = onnxruntime.InferenceSession(content, settings, ["CPUExecutionProvider"])
        for image in probes(network):
            with torch.inference_mode():
                expected = network(image)
            (found,) = session.run(None, {IMAGE: image.numpy()})
            difference = (torch.from_numpy(found) - expected).abs().max()
            error = max(error, float(difference.nan_to_num(nan=float("inf"))))
            low, high = min(low, float(expected.min())), max(high, float(expected.max()))
    except refusals as failure:
        (first, *_) = str(failure).strip().splitlines()
        raise ExportError(f"onnxruntime cannot run the exported file: {first}") from failure
    if not error <= TOLERANCE * (high - low):
        raise ExportError(
            "the file was not written, because its results differ from those of "
            f"{network.title} by {error:.3g} in a range from {low:.3g} to {high:.3g}"
        )
    return error / (high - low)


def _labelled(model: Any, about: dict[str, str]) -> bytes:
    """Return the content of a file with its metadata, checked for validity."""
    import onnx

    onnx.helper.set_model_props(model, about)
    model.producer_name, model.producer_version = "napari-sr", __version__
    model.doc_string = (
        f"Upscales images (N, {about['channels']}, H, W) of values in 0..1 "
        f"{about['scale']} times; results are not clipped."
    )
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content
