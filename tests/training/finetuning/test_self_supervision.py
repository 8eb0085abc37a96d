from __future__ import annotations

import pytest

from napari_sr.training.config import Data, Term
from napari_sr.training.data.blind_spots import BlindSpots
from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.spot import Spot
from napari_sr.training.data.training_data import degradation_of
from napari_sr.training.finetuning.self_supervision import SelfSupervision

USUAL = SelfSupervision()


def test_the_settings_become_a_degradation():
    settings = SelfSupervision("blind_spots", Spot(sigma=1.5), NoiseModel(2.0, 100.0, 1.6))

    found = degradation_of(Data(8, 1, degradation=settings.degradation))

    assert found == BlindSpots(Spot(sigma=1.5), NoiseModel(2.0, 100.0, 1.6))


def test_a_penalty_is_added_to_the_squared_error():
    assert SelfSupervision(penalty="none").losses == (Term("mse"),)
    penalised = SelfSupervision(penalty="hessian", weight=0.01)
    assert penalised.losses == (Term("mse"), Term("hessian", 0.01))
    assert penalised.words == "noisy images alone: recorruption, no spot, Hessian penalty"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "magic"}, "one of recorruption, .*, got 'magic'"),
        ({"penalty": "l3"}, "one of none, hessian, total_variation, got 'l3'"),
        ({"weight": 0.0}, "weight must be above 0, got 0.0"),
    ],
    ids=str,
)
def test_wrong_settings_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        SelfSupervision(**wrong)
