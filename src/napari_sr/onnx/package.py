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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.atomic_write import atomic_write
from napari_sr.engine.image.conversion import is_number
from napari_sr.graph.chain import IMAGE, Step
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
from napari_sr.zoo.wrapped import Wrapped

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network

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
    noise: float | None = None,
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
    noise : float, optional
        For networks that take the level of the noise, such as micrograph: its standard deviation,
        where white is 1. A package has only one input, so it takes this level for every image.

    Raises
    ------
    ValueError
        If the model, its options, the path, the licence or the noise are wrong.
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
    _check_noise(network, noise)
    files = _files(_OfImages(network, noise).eval(), about, noise)
    with atomic_write(path) as file:
        file.write(_checked(files, path))
    return path


def _check_noise(network: Network, noise: float | None) -> None:
    if network.takes_noise and (noise is None or not is_number(noise, 0, 1)):
        raise ValueError(
            f"{network.title} takes the level of the noise besides the image, and a model package "
            "has only one input: give the level that it takes for every image, from 0 to 1, where "
            f"white is 1 (such as noise=0.02), or export it as .onnx; got {noise!r}"
        )
    if noise is not None and not network.takes_noise:
        raise ValueError(f"{network.title} takes no level of the noise, got noise={noise!r}")


class _OfImages(Wrapped):
    """A network with the conversion from grey or RGB in 0..1 to what it reads, and back.

    Parameters
    ----------
    network : Network
        The network.
    noise : float, optional
        The level of the noise that it takes for every image.
    """

    def __init__(self, network: Network, noise: float | None = None) -> None:
        super().__init__(network)
        self.noise = noise
        # the chain converts, clips and adds the noise itself
        self.full_range, self.input_limits, self.takes_noise = True, None, False

    def chain(self) -> Chain:
        """Return the chain of the network between two conversions."""
        links = chain_for(self.network, self.channels)
        limits = self.network.input_limits
        if self.noise is not None:
            first: Any = links[0]  # it adds the noise to the image
            step = replace(first, compute=partial(_with_noise, first, self.noise), uses=())
            links = (step, *links[1:])
        if limits is None:
            return links

        def clip(image: Tensor) -> Tensor:
            return image.clamp(*limits)

        return (Step(clip, (IMAGE,), (IMAGE,)), *links)


def _with_noise(step: Step, noise: float, image: Tensor) -> Any:
    """Return a step's result with one plane more, which has the level of the noise."""
    colours: Any = step.compute(image)
    return torch.cat((colours, torch.full_like(colours[:, :1], noise)), dim=1)


def _files(network: _OfImages, about: About, noise: float | None) -> dict[str, bytes]:
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
        "README.md": document(network, about, noise).encode(),
    }
    found = described(network, about, size, files, noise)
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
            found = open_package(copy, trial=False)  # of our own making
        except CheckpointError as error:
            raise ExportError(f"the package was not written, because {error}") from error
    if found.description.processing is not None:
        raise ExportError("the package was not written, because it does not map 0..1 to 0..1")
    return content
