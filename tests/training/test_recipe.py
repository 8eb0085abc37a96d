"""Recipes: what they say, and what is said of wrong ones."""

from __future__ import annotations

import re

import pytest
import torch
from trainings import TINY, table

from napari_sr import models
from napari_sr.training import recipe
from napari_sr.training.adversarial import Adversary
from napari_sr.training.data.training_data import degradation_of
from napari_sr.training.learner import build
from napari_sr.training.losses import perceptual
from napari_sr.training.objective import Objective
from napari_sr.training.optim import rate_factor
from napari_sr.training.recipe import RecipeError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": "2"}, "x.toml: scale must be a valid integer, got '2'"),
        ({"scales": [3]}, "x.toml: scales must be a list with the scale 2"),
        ({"wings": 2}, "x.toml: recipes have no key wings, got 2"),
        ({"run": {"precision": "half"}}, "run.precision must be 'float32', .* got 'half'"),
        ({"data": {"crop": 0}}, "x.toml: data: crop must be at least 1, got 0"),
        (
            {"optimiser": {"learning_rate": True}},
            "optimiser.learning_rate must be a valid number, got True",
        ),
        ({"loss": []}, r"loss must be at least one \[\[loss\]\]"),
        ({"loss": [{"kind": "l1", "wieght": 3}]}, "recipes have no key loss.0.wieght, got 3"),
        ({"loss": [{"weight": 3}]}, "loss.0.kind is missing"),
    ],
)
def test_an_error_says_file_key_need_and_value(changes, message):
    with pytest.raises(RecipeError, match=message):
        recipe.parse(table(**changes), "x.toml")


def test_a_recipe_survives_being_written_down():
    config = recipe.parse(table(adversary={"kind": "relativistic", "weight": 0.1}), "x")

    assert recipe.parse(recipe.as_table(config), "y") == config


def test_a_file_is_read_and_gives_its_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'scale = 2\nnetwork = {kind = "fsrcnn"}\ndata = {crop = 8, batch = 2}\n'
        'loss = [{kind = "l1"}]\nrun = {steps = 6}\n'
    )

    config = recipe.read(path)

    assert (config.name, config.data.crop, config.loss[0].kind) == ("mine", 8, "l1")


def test_a_broken_file_and_a_missing_one_are_told_by_name(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("scale =")

    with pytest.raises(RecipeError, match=r"broken.toml is not a readable recipe: Invalid"):
        recipe.read(path)
    with pytest.raises(RecipeError, match=r"no recipe file nowhere; these ship: .*fsrcnn-x3"):
        recipe.read("nowhere")


@pytest.mark.parametrize("name", recipe.names())
def test_every_recipe_that_ships_has_parts_that_exist_and_fit(name, monkeypatch):
    monkeypatch.setattr(perceptual, "weights_of", lambda path: {})
    monkeypatch.setattr(perceptual, "VGG19", lambda layers, weights: torch.nn.Identity())
    config = recipe.read(name)

    with torch.device("meta"):
        network = build(config)
        objective = Objective(config.loss, network)
        if config.adversary is not None:
            Adversary(config, network.channels, torch.device("meta"))

    degradation_of(config.data)
    keys = [key for key, _ in network.named_parameters()]
    assert all(any(key.startswith(part) for key in keys) for part in config.optimiser.lr_scale)
    assert objective.terms


def test_every_paper_and_the_networks_that_ship_have_a_recipe():
    kinds = {recipe.read(name).network.kind for name in recipe.names()}

    variants = {"interpolation", "imdn_as", "imdn_ntire", "srresnet"}  # SRResNet: SRGAN's network
    opened = {"compact", "span", "spanplus", "spanv2"}  # for files of others; never trained here
    assert kinds == set(models.names()) - variants - opened


@pytest.mark.parametrize(
    ("name", "read", "figures"),
    [
        # Caffe's sums over the pixels that a network without padding leaves, half of them
        ("srcnn-x3", lambda one: one.loss[0].weight, (33 - 12) ** 2 / 2),
        ("fsrcnn-paper-x3", lambda one: one.loss[0].weight, (3 * 7 - 3 + 1) ** 2 / 2),
        ("espcn-x3", lambda one: one.optimiser.lr_scale, {"enlarge": 0.1}),
        # epochs of 6,536 batches
        ("drrn-x3", lambda one: (one.schedule.every, one.run.steps), (10 * 6_536, 101 * 6_536)),
        ("mslapsrn-d5r8", lambda one: one.scales, (2, 4, 8)),
        ("mdsr", lambda one: one.run.steps, 650 * 1000),
        # 800 images ten times over, sixteen at once: 500 batches an epoch
        ("esrt-x4", lambda one: (one.schedule.every, one.run.steps), (200 * 500, 1000 * 500)),
        ("imdn-x4", lambda one: (one.schedule.every, one.run.steps), (200 * 1000, 1000 * 1000)),
        ("esrgan-x4", lambda one: one.optimiser.betas, (0.9, 0.999)),
        ("srgan-x4", lambda one: one.loss[0].weight, pytest.approx(12.75**-2, rel=1e-3)),
        ("srgan-wgan-x4", lambda one: (one.adversary.clip, one.adversary.steps), (0.01, 5)),
        ("srgan-wgan-gp-x4", lambda one: one.adversary.penalty, 10),
        ("bsrn-x4", lambda one: one.run.ema, 0),
    ],
)
def test_figures_are_those_that_papers_and_authors_code_tell(name, read, figures):
    assert read(recipe.read(name)) == figures


@pytest.mark.parametrize("name", ["lapsrn-x4", "mslapsrn-d5r8"])
def test_rates_of_pyramids_stop_falling_where_their_authors_stop_them(name):
    config = recipe.read(name)

    last = rate_factor(config.schedule, config.run.steps - 1, config.run.steps)

    assert 1e-6 <= config.optimiser.learning_rate * last < 2e-6


def test_tiny_is_a_recipe():
    assert recipe.parse(TINY, "x").run.steps == 6


TEXT = (
    'scale = 2\nnetwork = {kind = "fsrcnn"}\ndata = {crop = 8, batch = 2}\n'
    'loss = [{kind = "l1"}]\nrun = {steps = 6}\n'
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"a = " + b"{a=" * 5000, "nested too deeply"),
        (b"a" + b".a" * 5000 + b" = 1", "a line must hold at most 400 dots, got 5000"),
        (
            TEXT.encode() + b"[x" + b".a" * 300 + b"]\n" + b"[x" + b".b" * 300 + b"]\n",
            "nested too deeply",
        ),
        (b"# " + b"x" * (1 << 16), "at most 65,536 bytes"),
        (b"scale = " + b"9" * 5000, "4300 digits"),
        (b"\xff\xfe", "can't decode"),
        (b"\0", "Invalid statement"),
        (b'a = "\\ud800"', "Unicode scalar"),
    ],
    ids=lambda given: str(given[:20]),
)
def test_a_hostile_file_is_refused_at_once(tmp_path, text, message):
    path = tmp_path / "hostile.toml"
    path.write_bytes(text)

    with pytest.raises(RecipeError, match=rf"hostile\.toml.*{message}"):
        recipe.read(path)


@pytest.mark.parametrize("key", ["scale", "crop", "batch", "steps"])
@pytest.mark.parametrize(
    "value", ["nan", "inf", "-1", "1e400", "true", "2.0", "'2'", "1" + "0" * 30]
)
def test_no_number_out_of_bounds_is_taken(tmp_path, key, value):
    text = re.sub(rf"{key} = \d+", f"{key} = {value}", TEXT)
    (tmp_path / "a.toml").write_text(text)

    with pytest.raises(RecipeError, match=rf"{key} must be "):
        recipe.read(tmp_path / "a.toml")


def test_a_file_of_windows_editors_is_read(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())

    assert recipe.read(tmp_path / "a.toml").data.crop == 8


def test_a_name_that_begins_with_a_tilde_is_no_home_folder():
    with pytest.raises(RecipeError, match="there is no recipe file ~nobody-of-this-name"):
        recipe.find("~nobody-of-this-name")
