"""`napari-sr train` runs a recipe, tells how far it is, and stops when asked to."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from PIL import Image
from trainings import discs, table

import napari_sr
from napari_sr.cli import app as cli
from napari_sr.cli import train as train_network
from napari_sr.training.checkpointing import load_state
from napari_sr.training.log import rows
from napari_sr.training.session import Progress

RECIPE = """
scale = 2
network = {kind = "fsrcnn", options = {features = 4, shrunk = 2, layers = 1}}
data = {crop = 8, batch = 2, validation = 1}
loss = [{kind = "l1"}]
run = {steps = 4, report_every = 2, validate_every = 2, save_every = 2}
"""


@pytest.fixture
def run(monkeypatch, capfd, tmp_path):
    """Run the command line where images and a recipe are; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for number in range(2):
        Image.fromarray(discs(random, 24)).save(tmp_path / f"{number}.png")
    (tmp_path / "mine.toml").write_text(RECIPE)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["napari-sr", "train", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return call


def test_a_recipe_is_trained_and_its_result_is_a_model(run, tmp_path):
    code, out, err = run("mine.toml")

    assert (code, out) == (0, "runs/mine/mine.safetensors\n")
    assert "step 4: mine, loss 0." in err
    assert "ended at step 4" in err
    assert napari_sr.load(tmp_path / out.strip(), 2).scale == 2


def test_values_beyond_black_and_white_are_learnt_and_told(run, tmp_path):
    ranged = RECIPE.replace("validation = 1", "validation = 1, value_range = [50, 200]")
    (tmp_path / "mine.toml").write_text(ranged)

    code, out, err = run("mine.toml")

    assert (code, out) == (0, "runs/mine/mine.safetensors\n")
    assert re.search(
        r"% of the values of the images in \. are .* \(50 to 200\)", " ".join(err.split())
    )


@pytest.mark.parametrize(("declared", "told"), [("", True), (", value_range = [100, 300]", False)])
def test_noisy_images_that_span_little_of_their_range_are_told(run, tmp_path, declared, told):
    random = np.random.default_rng(0)
    for number in range(2):
        (tmp_path / f"{number}.png").unlink()
        photons = random.poisson(discs(random, 64)[..., 0] / 4)
        tifffile.imwrite(tmp_path / f"{number}.tif", (100 + 2 * photons).astype(np.uint16))
    noisy = 'validation = 1, grey = true, degradation = {kind = "recorruption"}'
    recipe = RECIPE.replace("validation = 1", noisy + declared).replace('"l1"', '"mse"')
    (tmp_path / "mine.toml").write_text(recipe)

    code, _, err = run("mine.toml")

    assert code == 0, err
    words = " ".join(err.split())
    assert ("of the range from black to white (0 to 65535)" in words) == told
    assert ("as value_range under [data] in the recipe (2 of 2 planes)" in words) == told


@pytest.mark.parametrize(
    ("photons", "noise", "code", "told"),
    [
        (1e6, "", 0, "0.tif is nearly clean: its noise is 0."),
        (30, "{gain = 8.0, offset = 100.0}", 0, "the given noise of ./0.tif is "),
        (30, "{gain = 900.0, offset = 100.0}", 2, "the given noise does not suit "),
    ],
)
def test_noise_that_does_not_suit_a_recipe_is_told(run, tmp_path, photons, noise, code, told):
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:64, 0:64]
    light = 0.5 + 0.2 * np.sin(y / 5) + 0.2 * np.cos((x + y) / 7)
    for number in range(2):
        (tmp_path / f"{number}.png").unlink()
        counts = random.poisson(photons * light) * 30 / photons
        tifffile.imwrite(tmp_path / f"{number}.tif", (100 + 2 * counts).astype(np.float32))
    options = f", options = {{noise = {noise}}}" if noise else ""
    noisy = "validation = 1, grey = true, value_range = [100, 170], degradation = "
    noisy += f'{{kind = "recorruption"{options}}}'
    recipe = RECIPE.replace("validation = 1", noisy).replace('"l1"', '"mse"')
    (tmp_path / "mine.toml").write_text(recipe)

    found, _, err = run("mine.toml")

    assert found == code, err
    assert told.replace("./", "") in " ".join(err.split()).replace("./", "")


def test_a_training_stops_and_goes_on(run, tmp_path):
    first = run("mine.toml", "--out", "x", "--minutes", "0")
    refused = run("mine.toml", "--out", "x")
    again = run("mine.toml", "--out", "x", "--resume")

    assert "paused (can be resumed) at step 1" in first[2]
    assert refused[0] == 2
    assert "Error: x has a training run at step 1: resume it" in refused[2]
    assert "resumes at step 1" in again[2]
    assert load_state(tmp_path / "x")["step"] == 4


def test_steps_may_be_told(run, tmp_path):
    _, _, err = run("mine.toml", "--steps", "3")

    assert "ended at step 3" in err


def test_a_folder_that_cannot_be_made_is_refused_before_images_are_read(run, tmp_path):
    (tmp_path / "taken").touch()

    code, _, err = run("mine.toml", "--out", "taken/x")

    assert code == 2
    assert re.fullmatch(r"Error: .*taken is a file: .* than taken/x\n", err)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"scale =", r"is not a readable recipe: Invalid value"),
        (b"\xff\xfe\0", r"is not a readable recipe: 'utf-8' codec"),
        (b"x = " + b"[" * 5000, r"is not a readable recipe: it is nested too deeply"),
        (b"scale = 2\nscale = 3", r"is not a readable recipe: Cannot overwrite a value"),
        (b"scale = nan", r"scale must be"),
        (b"date = 1979-05-27", r"a recipe may contain only numbers, strings, arrays and tables"),
        (b"", r"is missing"),
    ],
)
def test_a_malformed_recipe_is_one_line(run, tmp_path, content, what):
    (tmp_path / "odd.toml").write_bytes(content)

    code, _, err = run("odd.toml")

    assert code == 2
    assert re.fullmatch(rf"Error: .*{what}.*\n", err), err


def test_mistakes_are_one_line(run):
    code, _, err = run("nothing.toml")

    assert code == 2
    assert err.startswith("Error: there is no recipe file nothing.toml; these ship: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_ends_after_the_step(run, tmp_path, monkeypatch, number):
    from napari_sr.training import trainer

    real = trainer.train

    def asked(*arguments):
        for progress in real(*arguments):
            if progress.step == 1 and not progress.message:
                os.kill(os.getpid(), number)
            yield progress

    monkeypatch.setattr(trainer, "train", asked)

    code, _, err = run("mine.toml")

    assert code == 128 + number
    assert "stopped at step 1: --resume continues from there" in err
    assert "nothing was written" not in err
    assert load_state(tmp_path / "runs" / "mine")["step"] == 1
    assert signal.getsignal(number) is signal.SIG_IGN


def test_asked_twice_it_stops_at_once(run, tmp_path, monkeypatch):
    from napari_sr.training import trainer

    real = trainer.train

    def asked(*arguments):
        for progress in real(*arguments):
            if not progress.message:
                for _ in range(9):  # the third and later ones do nothing
                    os.kill(os.getpid(), signal.SIGTERM)
            yield progress

    monkeypatch.setattr(trainer, "train", asked)

    code, _, err = run("mine.toml")

    assert code == 143
    assert err == "stopped at once: --resume continues from the last saved state\n"
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C can be sent to one process there")
@pytest.mark.usefixtures("run")
def test_processes_of_one_training_stop_together_and_save(tmp_path):
    (tmp_path / "long.toml").write_text(
        RECIPE.replace("steps = 4", "steps = 100000").replace(
            "save_every = 2", "save_every = 90000"
        )
    )
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "napari_sr", "train", "long.toml", "--minutes", "1"]
    log = tmp_path / "runs" / "long" / "log.csv"

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as launched:
        while len(rows(log)) < 3:
            assert launched.poll() is None, launched.stderr.read()
            time.sleep(0.1)
        launched.send_signal(signal.SIGINT)
        _, told = launched.communicate()

    [step] = re.findall(r"stopped at step (\d+): --resume continues", told)
    assert load_state(log.parent)["step"] == int(step)


def test_words_say_what_is_known():
    assert train_network.words("x", Progress(0, 9)) == "x"
    assert train_network.words("x", Progress(2, 9, 1.0, 0.25, 30)) == "x, loss 0.25000, 30.000 dB"


def test_the_recipe_of_a_result_is_in_its_card(run, tmp_path):
    from safetensors import safe_open

    run("mine.toml", "--minutes", "0")

    with safe_open(tmp_path / "runs/mine/mine.safetensors", "pt") as file:
        card = json.loads(file.metadata()["card"])
    assert card["recipe"]["run"]["steps"] == 4
    assert (card["network"], card["scale"], card["steps"]) == ("fsrcnn", 2, 1)
    assert card["options"] == table()["network"]["options"]
