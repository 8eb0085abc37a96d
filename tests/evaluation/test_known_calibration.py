"""The calibration of a known model: from its card, which anybody may have written, or shipped."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from napari_sr.evaluation.conformal import Calibration, CalibrationError, calibration_of
from napari_sr.evaluation.known_calibration import calibration_for, calibration_in
from napari_sr.zoo.registry import find


def test_a_card_gives_the_same_calibration(random):
    spread = random.random((5, 80))
    calibration = calibration_of([(spread, spread)], about="made")

    card = json.loads(json.dumps({"calibration": calibration.as_json()}))

    assert calibration_in(card) == calibration
    assert "with 90% probability on images like these (made)" in calibration.in_words()


@pytest.mark.parametrize(
    "change",
    [
        {"edges": [2, 1]}, {"edges": ["nan"]}, {"bounds": [[1]]}, {"levels": [0.5, 2]},
        {"levels": 3},
        {"bounds": [[float("nan")] * 2] * 4}, {"pixels": "many"}, {"about": None, "levels": []},
        {"edges": [10**400]},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_card_is_refused(change):
    right = Calibration((0.5, 0.9), (0.1,), ((1, 2), (3, 4)), 1000, 5)
    assert calibration_in({"calibration": right.as_json()}) == right

    with pytest.raises(CalibrationError, match="the card's calibration"):
        calibration_in({"calibration": {**right.as_json(), **change}})


def test_a_model_without_a_calibration_says_so():
    with pytest.raises(CalibrationError, match="bsrn-x2 is not calibrated"):
        calibration_for({"model": "bsrn-x2", "file": "/nowhere", "sha256": "0" * 64})
    with pytest.raises(CalibrationError, match="corrected to agree with its source"):
        calibration_for({"model": "fsrcnn-x2", "consistent": True})
    several = [{"model": "a-x2"}, {"file": "/nowhere"}]
    for record in ({"models": several}, {"blended": several}):
        with pytest.raises(CalibrationError, match="got several: a-x2, a file"):
            calibration_for(record)


def test_shipped_weights_are_known_by_their_hash_but_a_card_wins(tmp_path):
    sha256 = find("fsrcnn-x2").sha256
    path = tmp_path / "mine.safetensors"
    own = Calibration((0.9,), (), ((0.5,),), 1000, 5, "own")
    save_file({"a": np.zeros(1)}, path, {"card": json.dumps({"calibration": own.as_json()})})

    shipped = calibration_for({"file": "/nowhere", "sha256": sha256})

    assert shipped.images == 7
    assert "on images like these (7 photographs of Set14" in shipped.in_words()
    assert "Set5 and Set14" in shipped.in_words(), "the known limit"
    assert calibration_for({"file": str(path), "sha256": sha256}) == own
