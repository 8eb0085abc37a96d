from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from napari_sr import load
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.models.resize import imresize
from napari_sr.training import fsrcnn as training
from napari_sr.training.fsrcnn import Recipe


@pytest.fixture
def folder(tmp_path, random):
    """A small copy of the data's layout: images of soft random discs."""
    y, x = np.mgrid[0:140, 0:144]
    names = [f"train/{name}" for name in training.SHRINKS] + ["Set5/HR"]
    for name in names:
        (tmp_path / name).mkdir(parents=True)
        image = np.zeros((140, 144, 3))
        for _ in range(12):
            centre, radius = random.uniform(0, 140, 2), random.uniform(5, 30)
            disc = np.hypot(y - centre[0], x - centre[1]) < radius
            image[disc] = random.uniform(0, 255, 3)
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / name / "discs.png")
    small = tmp_path / "Set5" / "LR_matlab" / "x2"
    small.mkdir(parents=True)
    rgb = training.read_rgb(tmp_path / "Set5" / "HR" / "discs.png")
    pixels = imresize(rgb, 0.5, largest=255).permute(1, 2, 0).numpy().astype(np.uint8)
    Image.fromarray(pixels).save(small / "discs.png")
    return tmp_path


@pytest.mark.parametrize("scale", [2, 3])
def test_training_starts_from_an_interpolation(scale):
    torch.manual_seed(0)
    network = FSRCNN(scale=scale)
    y, x = torch.meshgrid(torch.arange(30.0), torch.arange(30.0), indexing="ij")
    ramp = (0.2 + 0.01 * x + 0.008 * y)[None, None]

    training.start_as_interpolation(network)

    with torch.inference_mode():
        difference = (network(ramp) - imresize(ramp, scale))[..., 20:-20, 20:-20]
    assert difference.abs().max() < 0.05


def test_a_pair_is_the_image_and_its_half_both_luma():
    rgb = torch.full((3, 41, 50), 255.0)

    small, large = training.pair(rgb, 2)

    assert (small.shape, large.shape) == ((1, 20, 25), (1, 40, 50))
    torch.testing.assert_close(small, torch.full_like(small, 235 / 255))


def test_crops_of_a_batch_lie_on_each_other(random):
    large = torch.rand(1, 120, 120)
    small = large[:, ::2, ::2].clone()

    crops = training.draw([(small, large)], np.ones(1), 2, random)

    # every second pixel of the large crop, from whichever corner the turn left it
    corners = [crops[1][..., dy::2, dx::2] for dy in (0, 1) for dx in (0, 1)]
    for index in range(training.BATCH):
        assert any(torch.equal(corner[index], crops[0][index]) for corner in corners)


def test_the_learning_rate_rises_then_falls_to_almost_nothing():
    rates = [training.learning_rate(step, 10_000, 1.0) for step in (0, 499, 5_000, 9_999)]

    assert rates[0] < rates[1] > rates[2] > rates[3]
    assert rates[3] < 0.002


def test_a_short_training_gains_and_leaves_a_checkpoint_that_loads(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "BATCH", 4)
    recipe = Recipe(folder, 2, steps=200, rate=3e-3, report_every=200)

    target = training.train(recipe, tmp_path / "out")

    with safe_open(target, "pt") as file:
        card = json.loads(file.metadata()["card"])
    start = FSRCNN(scale=2)
    torch.manual_seed(recipe.seed)
    training.start_as_interpolation(start)
    assert card["steps"] == card["of"] == 200
    assert card["psnr_set5_luma"] > training.psnr_on_set5(start, folder)
    assert training.psnr_on_set5(load(target, 2), folder) == pytest.approx(
        card["psnr_set5_luma"], abs=1e-3
    )


def test_the_same_seed_gives_the_same_weights(folder):
    recipe = Recipe(folder, 2, steps=3, report_every=3)

    first, second = (
        torch.cat([p.flatten() for p in list(training.descend(recipe))[-1][1].parameters()])
        for _ in range(2)
    )

    assert torch.equal(first, second)
