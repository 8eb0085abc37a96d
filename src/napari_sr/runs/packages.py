"""Model packages of the BioImage Model Zoo as models of a run and of the list of models."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.runs.card_words import short_purpose
from napari_sr.runs.model_list import OPENED, ListedModel
from napari_sr.zoo import imported
from napari_sr.zoo.card import LONGEST_TEXT

if TYPE_CHECKING:
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference
    from napari_sr.zoo.bioimage.load import Package


def package_of(reference: ModelReference) -> Path | None:
    """Return the zip archive or folder of the package that a reference names, or None."""
    if not isinstance(reference.name, str | Path):
        return None
    from napari_sr.zoo.bioimage.load import package_at

    return package_at(Path(os.path.expanduser(reference.name)))


def load(path: Path, reference: ModelReference) -> Network:
    """Load the network of a package, in eval mode and with its provenance.

    Parameters
    ----------
    path : Path
        The zip archive or folder.
    reference : ModelReference
        The reference that names it; packages have no options.

    Raises
    ------
    ValueError
        If the package cannot be used, its scale is another one, or options are given.
    """
    from napari_sr.zoo.bioimage.load import open_package

    package = open_package(path)
    network = package.network
    if reference.scale not in (None, network.scale):
        raise ValueError(
            f"{network.title} enlarges {network.scale} times, got scale={reference.scale}"
        )
    if reference.options or reference.full_range is not None:
        raise ValueError(
            f"{network.title} has no options, got {dict(reference.options)} and "
            f"full_range={reference.full_range}"
        )
    network.provenance = {
        "model": path.stem,
        "scale": network.scale,
        "file": str(path),
        "sha256": package.sha256,
        "options": {},
        **package.provenance,
    }
    return network


def listed(path: Path) -> ListedModel | None:
    """Return a package as a model of the list; None if a path is no package.

    Raises
    ------
    ValueError
        If the package cannot be used.
    """
    from napari_sr.zoo.bioimage.load import open_package, package_at

    place = package_at(path)
    return None if place is None else _listed(place, open_package(place))


def _listed(path: Path, package: Package) -> ListedModel:
    network = package.network
    found = ListedModel(
        name=str(path),
        title=path.stem,
        heading=OPENED,
        summary=f"{network.title}. {package.description.card.purpose}".strip(),
        scales=(network.scale,),
        architecture=network.title,
        grey=network.channels == 1,
        remarks=package.remarks,
    )
    card, other_unit = package.description.card, network.processing is not None
    return replace(found, card=card, purpose=short_purpose(card), other_unit=other_unit)


def import_package(path: Path) -> Path | None:
    """Copy a package into the folder of the user's networks; return the copy's path.

    Returns
    -------
    Path or None
        None if the path is no package.

    Raises
    ------
    ValueError
        If the package cannot be used, or is a folder.
    OSError
        If it cannot be copied.
    """
    from napari_sr.zoo.bioimage.load import open_package, package_at

    place = package_at(path)
    if place is None:
        return None
    if place.is_dir():
        raise ValueError(f"{place} is a folder: pack it into a zip file, and import that file")
    package = open_package(place)
    found, size = _listed(place, package), place.stat().st_size
    copy = imported.twin_of(package.sha256, size)
    if copy is None:
        copy = imported.free_path(place.name)
        imported.keep(place, copy, package.sha256)
    about = imported.Description(
        origin=place.name[-LONGEST_TEXT:],
        sha256=package.sha256,
        size=size,
        architecture=found.architecture,
        summary=found.summary[:LONGEST_TEXT],
        scales=found.scales,
        scale_is_known=True,
        parameters=package.weights,
        grey=found.grey,
        remarks=tuple(remark[:LONGEST_TEXT] for remark in found.remarks),
        card=package.description.card,
        other_unit=found.other_unit,
    )
    imported.describe(copy, about)
    return copy
