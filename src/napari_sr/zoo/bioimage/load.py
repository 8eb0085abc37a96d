"""Open a model package: read its description, load its network, and check it once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_sr.zoo.bioimage import onnx_program
from napari_sr.zoo.bioimage.check import MOST_BYTES as MOST_TEST
from napari_sr.zoo.bioimage.check import check_tests
from napari_sr.zoo.bioimage.contents import MOST_TEXT, NAMES, is_package, open_contents
from napari_sr.zoo.bioimage.description import described
from napari_sr.zoo.bioimage.onnx_program import OnnxProgram
from napari_sr.zoo.bioimage.packaged import Packaged, largest_overlap
from napari_sr.zoo.bioimage.reach import measured_reach
from napari_sr.zoo.bioimage.script_program import ScriptProgram
from napari_sr.zoo.bioimage.tile_check import tiles_differ
from napari_sr.zoo.bioimage.trial import Found, found_about
from napari_sr.zoo.bioimage.yaml_text import read_yaml
from napari_sr.zoo.checkpoint import CheckpointError
from napari_sr.zoo.limits import RefusedError, first_line

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.graph.processing import Processing
    from napari_sr.zoo.bioimage.contents import Contents
    from napari_sr.zoo.bioimage.description import Description
    from napari_sr.zoo.bioimage.packaged import Program

MOST_WEIGHTS = 1 << 30
"""Largest size of a file of weights."""
HALO_KEY, TEST_KEY, STEPS_KEY = "halo_from", "test", "processing"
"""Keys of a network's provenance."""


@dataclass(frozen=True)
class Package:
    """An opened package."""

    network: Packaged
    description: Description
    sha256: str
    weights: int
    """Number of weights."""
    remarks: tuple[str, ...]
    """Sentences for people who use it."""

    @property
    def provenance(self) -> dict[str, Any]:
        """What the record of a run says about the package."""
        network = self.network
        steps = None if network.processing is None else network.processing.words
        return {
            "package": f"bioimage.io {self.description.format}, {self.description.kind}",
            HALO_KEY: network.halo_source,
            TEST_KEY: self.remarks[-1],
            **({} if steps is None else {STEPS_KEY: steps}),
        }


def package_at(path: Path) -> Path | None:
    """Return the zip archive or folder of a model package; None if a path is none.

    The path may also be that of a description in a folder.
    """
    if path.name in NAMES and path.is_file():
        return path.parent
    return path if is_package(path) else None


def open_package(path: Path, *, trial: bool = True) -> Package:
    """Open a package, and compare its test image with its author's result.

    Parameters
    ----------
    path : Path
        The zip archive or folder.
    trial : bool
        Whether a package that is opened for the first time is tried in a process of its own.

    Raises
    ------
    CheckpointError
        If the package is damaged or cannot be used; the message says why.
    """
    try:
        contents = open_contents(path)
        text = contents.read(contents.description.rpartition("/")[2], most=MOST_TEXT)
        description = described(read_yaml(text), _available())
        source = description.weights
        weights = contents.read(source.name, source.sha256, MOST_WEIGHTS)
        key = _key(contents, description, weights)
        if trial and key not in _CHECKED and (found := found_about(path, *key)) is not None:
            processing = description.processing
            if processing is not None and processing.ambiguous:
                processing = replace(processing, stored=found.stored)
            _REACHES[key], _CHECKED[key] = found.reach, (processing, found.told)
        return _opened(contents, description, weights, key)
    except RefusedError as refusal:
        raise CheckpointError(f"the model package {path} {refusal}") from refusal
    except (OSError, MemoryError) as error:
        raise CheckpointError(f"{path} cannot be opened: {first_line(error)}") from error


def tried(path: Path) -> Found:
    """Open a package in this process; return what was found.

    Raises
    ------
    CheckpointError
        As `open_package` does.
    """
    open_package(path, trial=False)
    *_, (key, (processing, told)) = _CHECKED.items()  # the last one
    stored = processing is not None and processing.stored
    return Found(*key, _REACHES[key], stored, told)


def _available() -> tuple[str, ...]:
    onnx = ("onnx",) if onnx_program.available() else ()
    return (*onnx, "torchscript")


def _key(contents: Contents, description: Description, weights: bytes) -> tuple[str, str]:
    """Return hashes of the weights and of all else that decides how a package is run.

    The hash of a folder does not include its test images, but they may decide the processing.
    """
    package = hashlib.sha256(contents.sha256.encode())
    for one in () if contents.archive is not None else description.tests or ():
        package.update(contents.read(one.name, one.sha256, MOST_TEST))
    return hashlib.sha256(weights).hexdigest(), package.hexdigest()


def _opened(
    contents: Contents, description: Description, weights: bytes, key: tuple[str, str]
) -> Package:
    program: Program = (OnnxProgram if description.kind == "onnx" else ScriptProgram)(weights)
    try:
        halo, halo_source = _halo(program, description, key)
        network = _network(program, description, halo, halo_source)
    except ValueError as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"cannot be run: {error}") from error
    if key not in _CHECKED:
        _CHECKED[key] = _checked(network, description, contents)
    network.processing, told = _CHECKED[key]
    tiles = f"Tiles overlap by {halo} px, {halo_source}."
    tiles = tiles if halo is not None else f"It needs whole planes: {halo_source}."
    sha256 = contents.sha256
    if contents.archive is None:  # the description need not name the hash of its weights
        sha256 = hashlib.sha256(f"{key[0]}{sha256}".encode()).hexdigest()
    return Package(
        network.eval(), description, sha256, program.weights,
        (*description.remarks, tiles, told),
    )  # fmt: skip


_CHECKED: dict[tuple[str, str], tuple[Processing | None, str]] = {}
"""The processing with which the test image gave its result, and a sentence on the comparison, by
the hashes of weights and package."""
_REACHES: dict[tuple[str, str], int | None] = {}


def _checked(
    network: Packaged, description: Description, contents: Contents
) -> tuple[Processing | None, str]:
    """Return the processing that gives the author's test result, and a sentence on it.

    If a normalisation follows another step, programs differ in whether its statistics are those of
    the stored pixels. The test image decides.
    """
    processing = description.processing
    if processing is None or not processing.ambiguous:
        return processing, check_tests(network, description, contents)
    if description.tests is None:
        raise RefusedError(
            "normalises pixels after another step, which programs do differently, and has no test "
            "image that shows what its author did"
        )
    try:
        return processing, check_tests(network, description, contents)
    except RefusedError:
        other = replace(processing, stored=True)
        return other, check_tests(network, replace(description, processing=other), contents)


def _network(
    program: Program, description: Description, halo: int | None, halo_source: str
) -> Packaged:
    return Packaged(
        program=program,
        geometry=description.geometry,
        processing=description.processing,
        title=f"{description.name} (bioimage.io)",
        halo=halo,
        halo_source=halo_source,
        clips=description.clips and description.processing is None,
    )


def _halo(
    program: Program, description: Description, key: tuple[str, str]
) -> tuple[int | None, str]:
    """Return the halo in LR pixels, and where it comes from; None for whole planes."""
    geometry = description.geometry
    sizes = geometry.height, geometry.width
    fixed = [largest_overlap(one.least) for one in sizes if not one.step]
    stated = geometry.halo
    if key not in _REACHES:
        compute = _network(program, description, 0, "").compute_plane
        reach = stated
        if stated is None or fixed:
            reach = measured_reach(
                compute,
                geometry.channels,
                geometry.scale,
                lambda side: (sizes[0].fitting(side), sizes[1].fitting(side)),
            )
        if fixed and stated is not None:
            reach = max(stated, reach or 0)
        elif reach is not None and not fixed:
            steps = (sizes[0].least, sizes[0].step), (sizes[1].least, sizes[1].step)
            if tiles_differ(compute, geometry.channels, geometry.scale, reach, steps):
                reach = None
        _REACHES[key] = reach
    reach = _REACHES[key]
    if fixed and stated is None and (reach is None or reach > min(fixed)):
        return min(fixed), f"a guess, because it takes only {sizes[0].least} x {sizes[1].least} px"
    if stated is None:
        return reach, _MEASURED if reach is not None else _UNLIMITED
    if fixed and reach != stated:
        return reach, _MORE.format(stated)
    return reach, _STATED if reach is not None else _TOO_SMALL.format(stated)


_STATED = "as its author says"
_MEASURED = "as measured with single pixels"
_UNLIMITED = "none was stated, and tiles of a test image differ from the whole image"
_MORE = "as measured with single pixels, because its author says only {} px"
_TOO_SMALL = "its author says {} px, but tiles of a test image differ from the whole image"
