"""A result ships with a card that says what it reached."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from trainings import discs, tiny

from napari_sr import load
from napari_sr.evaluation import psnr
from napari_sr.evaluation.benchmark import evaluate
from napari_sr.evaluation.sets import ImageSet
from napari_sr.layers.resize import imresize
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.models.mslapsrn import MSLapSRN
from napari_sr.training.checkpointing import Reached, export
from napari_sr.training.checkpointing import training_card as card_of
from napari_sr.training.data.folder import Reading, of_folder
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.training_data import degradation_of
from napari_sr.training.ship import ship
from napari_sr.training.validation import judge
from napari_sr.zoo.card import card_of as card


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

    with pytest.raises(ValueError, match=r"x\.safetensors must be a trained network"):
        ship(tmp_path / "x.safetensors", sets, tmp_path / "y.safetensors")


def test_what_learnt_from_another_degradation_is_judged_by_that(sets, tmp_path):
    microscope = {"kind": "microscope", "options": {"camera": {"photons": 1000.0}}}
    config = tiny(data={"grey": True, "degradation": microscope, "validation_size": 8})
    torch.manual_seed(0)
    network = FSRCNN(scale=2, **config.network.options)
    told = card_of(config, Reached(6, 1.0, None, "cpu"))
    export(tmp_path / "result.safetensors", network.state_dict(), told)

    shipped = ship(tmp_path / "result.safetensors", sets, tmp_path / "shipped.safetensors")

    pictures = of_folder(sets / "Set5", Reading(grey=True))
    lr, hr = Pairs(
        pictures, degradation_of(config.data), scale=2, channels=1, full_range=True
    ).whole(0, np.random.default_rng((config.run.seed, 0)))
    assert lr.shape == (1, 12, 12)  # the whole image, whatever is cut while training
    assert shipped["psnr_set5_microscope"] == pytest.approx(
        judge(network.eval(), [(lr, hr)]), abs=1e-3
    )
    bicubic = imresize(lr, 2).clamp(0, 1)
    assert shipped["psnr_set5_microscope_bicubic"] == pytest.approx(
        psnr(bicubic[0].numpy(), hr[0].numpy(), border=2), abs=1e-3
    )
    assert not any(key.endswith("_luma") for key in shipped)
