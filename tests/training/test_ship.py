"""A result ships with a card that says what it reached."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from trainings import discs

from napari_sr import load
from napari_sr.evaluation.benchmark import evaluate
from napari_sr.evaluation.sets import ImageSet
from napari_sr.models.mslapsrn import MSLapSRN
from napari_sr.training.ship import ship
from napari_sr.training.state import export
from napari_sr.zoo.seal import card


@pytest.fixture
def sets(tmp_path):
    random = np.random.default_rng(0)
    for name in ("Set5", "Set14"):
        (tmp_path / name).mkdir()
        Image.fromarray(discs(random, 24)).save(tmp_path / name / "discs.png")
    return tmp_path


def test_what_ships_has_been_judged_with_options_that_its_tensors_do_not_tell(sets, tmp_path):
    torch.manual_seed(0)
    options = {"features": 4, "depth": 1, "recursions": 2}
    network = MSLapSRN(scale=2, **options)
    told = {"network": "mslapsrn", "scale": 2, "options": options, "steps": 7}
    export(tmp_path / "result.safetensors", network.state_dict(), told)

    ship(tmp_path / "result.safetensors", sets, tmp_path / "shipped.safetensors")

    found = card(tmp_path / "shipped.safetensors")
    expected = evaluate(network.eval(), ImageSet(sets / "Set14")).psnr
    assert found["psnr_set14_luma"] == pytest.approx(expected, abs=1e-3)
    assert {"psnr_set5_luma", "licence", "steps"} <= set(found)
    again = load(tmp_path / "shipped.safetensors")
    assert again.recursions == 2
    assert torch.equal(again.residual.weight, network.residual.weight)


def test_a_file_without_a_card_is_refused(sets, tmp_path):
    save_file({"w": torch.zeros(1)}, tmp_path / "x.safetensors")

    with pytest.raises(ValueError, match=r"x\.safetensors must be the result of a training"):
        ship(tmp_path / "x.safetensors", sets, tmp_path / "y.safetensors")
