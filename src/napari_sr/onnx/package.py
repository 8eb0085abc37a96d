"""Export a network as a model package of the BioImage Model Zoo, format 0.5.

The package contains the network as an ONNX file that maps grey or RGB from 0 to 1 to the same, a
description, and a test image with its result. It is opened again and checked before it is written.
https://bioimage-io.github.io/spec-bioimage-io
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.atomic_write import atomic_write
from napari_sr.graph.chain import IMAGE, Step
from napari_sr.graph.network import Network
from napari_sr.layers.colour import chain_for
from napari_sr.onnx.export import OPSETS, check_ready, content_of, plain
from napari_sr.onnx.graph import ExportError
from napari_sr.onnx.package_description import (
    LICENCES,
    About,
    described,
    document,
    least_side,
)
from napari_sr.onnx.probes import image_for
from napari_sr.runs.model import ModelReference
from napari_sr.zoo.bioimage.load import open_package
from napari_sr.zoo.checkpoint import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.chain import Chain

SUFFIXES = (".zip",)
TEST_SIDE = 64
"""Side of the test image in pixels, at least."""
_DATE = (2020, 1, 1, 0, 0, 0)
"""Date of the files in a package, so that two exports are equal."""


def export_package(
    model: str | Path | Network,
    path: str | Path,
    scale: int | None = None,
    *,
    about: About | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Path:
    """Write a network as a model package of the BioImage Model Zoo.

    Results are those of `upscale` with `border="zeros"`, before they are converted to the type of
    the image.

    Parameters
    ----------
    model, scale, overwrite, **options
        As for `export`.
    path : str or Path
        The file to write; it must end in .zip.
    about : About, optional
        Authors, licence and purpose.

    Raises
    ------
    ValueError
        If the model, its options, the path or the licence are wrong, or the network takes the level
        of the noise, which a package cannot.
    ExportError, napari_sr.zoo.download.DownloadError, OSError
        As `export` does.
    """
    path, about = Path(os.path.expanduser(path)), about or About()
    check_ready(path, OPSETS.start, overwrite=overwrite, suffixes=SUFFIXES)
    if about.licence is not None and not LICENCES.fullmatch(about.licence):
        raise ValueError(
            f"the licence must be an identifier of SPDX, such as CC-BY-4.0, got {about.licence!r}"
        )
    network = plain(ModelReference.of(model, scale, options).load())
    if network.takes_noise:
        raise ValueError(
            f"{network.title} takes the level of the noise besides the image, and a model package "
            "has only one input: export it as .onnx"
        )
    files = _files(_OfImages(network).eval(), about)
    with atomic_write(path) as file:
        file.write(_checked(files, path))
    return path


class _OfImages(Network):
    """A network with the conversion from grey or RGB in 0..1 to what it reads, and back."""

    def __init__(self, network: Network) -> None:
        super().__init__(scale=network.scale, channels=network.channels)
        self.network = network
        self.multiple, self.least_size = network.multiple, network.least_size
        self.exact, self.provenance = network.exact, network.provenance

    @property
    def title(self) -> str:
        """Name of the network."""
        return self.network.title

    @property
    def tile_alignment(self) -> int:
        """The origin of any tile must be a multiple of this."""
        return self.network.tile_alignment

    def chain(self) -> Chain:
        """Return the chain of the network between two conversions."""
        links = chain_for(self.network, self.channels)
        limits = self.network.input_limits
        if limits is None:
            return links

        def clip(image: Tensor) -> Tensor:
            return image.clamp(*limits)

        return (Step(clip, (IMAGE,), (IMAGE,)), *links)


def _files(network: _OfImages, about: About) -> dict[str, bytes]:
    """Return the files of a package by name."""
    weights = content_of(network, OPSETS.start)
    size = least_side(network)
    side = max(TEST_SIDE, size)
    image = image_for(network, 1, side, side + network.tile_alignment)
    with torch.inference_mode():
        result = network(image)
    files = {
        "weights.onnx": weights,
        "test_input.npy": _array(image),
        "test_output.npy": _array(result),
        "README.md": document(network, about).encode(),
    }
    found = described(network, about, size, files)
    return {"bioimageio.yaml": _yaml(found), **files}


def _array(tensor: Tensor) -> bytes:
    file = io.BytesIO()
    np.save(file, tensor.numpy())
    return file.getvalue()


def _yaml(found: dict[str, Any]) -> bytes:
    import yaml

    text: str = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()


def _checked(files: dict[str, bytes], path: Path) -> bytes:
    """Return the content of a package after opening it like any other package.

    Raises
    ------
    ExportError
        If it does not open here as a network from 0..1 to 0..1.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    content = packed.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        with atomic_write(copy) as file:
            file.write(content)
        try:
            found = open_package(copy)
        except CheckpointError as error:
            raise ExportError(f"the package was not written, because {error}") from error
    if found.description.processing is not None:
        raise ExportError("the package was not written, because it does not map 0..1 to 0..1")
    return content
