"""The calibration of a known model: from the card in its file, or one that ships."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.evaluation.conformal import Calibration, CalibrationError
from napari_sr.graph.factor import factor_in, in_words
from napari_sr.zoo.calibrations import shipped_calibration
from napari_sr.zoo.card import card_of
from napari_sr.zoo.provenance import FACTOR

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 1e6
"""Largest bound or edge that is accepted from a card, as a multiple of white minus black."""


def calibration_for(record: Mapping[str, Any]) -> Calibration:
    """Return the calibration of the model of a run.

    It is in the card in the model's file; those of shipped models are in `zoo.calibrations`.

    Parameters
    ----------
    record : mapping
        The run's record, with path and SHA-256 of the weights, as in `Uncertainty.record` or in the
        metadata of a layer.

    Raises
    ------
    CalibrationError
        If the model has no calibration, or the run used several models, a blend or a series,
        corrected the result, or shrank it to a factor.
    """
    if several := record.get("models") or record.get("blended") or record.get("series"):
        names = ", ".join(str(one.get("model", "a file")) for one in several)
        raise CalibrationError(f"a calibration belongs to one model, got several: {names}")
    if record.get("consistent"):
        raise CalibrationError(
            "a calibration holds for results as the network computes them, got a result that was "
            "corrected to agree with its source (consistent=True)"
        )
    if FACTOR in record:
        raise CalibrationError(
            "a calibration holds for results of the network's own scale, got a result that was "
            f"shrunk to x{in_words(factor_in(str(record[FACTOR])))}"
        )
    card = card_of(Path(str(record.get("file", ""))))
    shipped = shipped_calibration(str(record.get("sha256", "")))
    if "calibration" not in card and shipped is not None:
        card = {"calibration": shipped}
    return calibration_in(card, str(record.get("model", "this model")))


def calibration_in(card: Mapping[str, Any], name: str = "this model") -> Calibration:
    """Check and return the calibration in a card, which may come from anyone.

    Parameters
    ----------
    card : mapping
        The card.
    name : str
        Name of the model, for error messages.

    Raises
    ------
    CalibrationError
        If the card has no calibration, or an invalid one.
    """
    found = card.get("calibration")
    if found is None:
        raise CalibrationError(
            f"{name} is not calibrated: its card has no errors on held-out images. Train it on "
            "images like yours, or calibrate it with napari_sr.calibrate"
        )
    try:
        made = Calibration(
            tuple(_finite(level, 1.0) for level in found["levels"]),
            tuple(map(_finite, found["edges"])),
            tuple(tuple(map(_finite, row)) for row in found["bounds"]),
            int(found["pixels"]),
            int(found["images"]),
            str(found["about"])[:200],
            str(found.get("limits", ""))[:200],
        )
        fits = all(len(row) == len(made.edges) + 1 for row in made.bounds)
        ordered = list(made.edges) == sorted(made.edges)
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise CalibrationError(f"the card's calibration cannot be read: {error!r:.100}") from error
    if not fits or not ordered or len(made.levels) != len(made.bounds):
        raise CalibrationError(
            f"the card's calibration has {len(made.levels)} levels, {len(made.bounds)} rows of "
            f"bounds and {len(made.edges)} edges, which do not match"
        )
    return made


def _finite(value: Any, most: float = LARGEST) -> float:
    number = float(value)
    if isinstance(value, bool | str) or not 0 <= number <= most:
        raise ValueError(f"a number from 0 to {most:g} is needed, got {value!r:.40}")
    return number
