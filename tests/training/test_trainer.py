"""A training run yields, stops, resumes bit for bit, and keeps its state if it fails."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from trainings import CRITIC, SRGAN, tiny, training_data

import napari_sr
from napari_sr.evaluation._imresize import imresize
from napari_sr.evaluation._psnr import psnr
from napari_sr.training.checkpointing import StateError, load_state
from napari_sr.training.data.pictures import of_array
from napari_sr.training.data.training_data import pairs_of
from napari_sr.training.log import rows
from napari_sr.training.session import Session, TrainingError
from napari_sr.training.trainer import train

GAN = {"kind": "adversarial", "weight": 0.1, "critic": CRITIC}
RUN = {"steps": 6, "ema": 0.9}


@pytest.fixture(scope="module")
def images():
    return training_data(size=24)


def finish(config, images, session, until=math.inf):
    """Train to the end, or close the trainer after a step; return what it yielded."""
    seen = []
    steps = train(config, images, session)
    for progress in steps:
        seen.append(progress)
        if progress.step >= until:
            break
    steps.close()
    return seen


def differences(one, other):
    """Return the paths at which two states differ, but for the time they took."""
    if isinstance(one, dict):
        keys = (one.keys() | other.keys()) - {"seconds"}
        return [f"{k}.{d}" for k in keys for d in differences(one.get(k), other.get(k))]
    if isinstance(one, list):
        return [d for a, b in zip(one, other, strict=True) for d in differences(a, b)]
    same = torch.equal(one, other) if torch.is_tensor(one) else one == other
    return [] if same else [f"{one} != {other}"]


def logged(folder):
    return [{key: one for key, one in row.items() if key != "seconds"}
            for row in rows(folder / "log.csv")]  # fmt: skip


def test_a_training_in_pieces_ends_as_an_unbroken_one(images, tmp_path):
    config = tiny(network=SRGAN, adversary=GAN, run=RUN)
    finish(config, images, Session(tmp_path / "whole"))

    for stop in (1, 3, math.inf):
        finish(config, images, Session(tmp_path / "cut", resume=True), stop)

    whole, cut = (load_state(tmp_path / name) for name in ("whole", "cut"))
    assert whole["step"] == 6
    assert differences(whole, cut) == []
    assert logged(tmp_path / "whole") == logged(tmp_path / "cut")
    results = [napari_sr.load(tmp_path / name / "tiny.safetensors") for name in ("whole", "cut")]
    assert differences(*(one.state_dict() for one in results)) == []


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads({threads})
from trainings import tiny, training_data
from napari_sr.training.session import Session
from napari_sr.training.trainer import train
for progress in train(tiny(run={run}), training_data(size=24), Session(Path({out!r}))):
    print(progress.step, flush=True)
"""


def test_a_training_that_was_killed_goes_on_as_if_it_had_not(images, tmp_path):
    run = {"steps": 40, "save_every": 3, "report_every": 2, "validate_every": 20}
    tests, threads = str(Path(__file__).parents[1]), torch.get_num_threads()
    code = KILLED.format(tests=tests, run=run, out=str(tmp_path / "cut"), threads=threads)
    killed = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    while int(killed.stdout.readline()) < 7:
        pass
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    step = load_state(tmp_path / "cut")["step"]

    finish(tiny(run=run), images, Session(tmp_path / "cut", resume=True))
    finish(tiny(run=run), images, Session(tmp_path / "whole"))

    assert 6 <= step < 40
    whole, cut = (load_state(tmp_path / name) for name in ("whole", "cut"))
    assert differences(whole, cut) == []
    assert logged(tmp_path / "whole") == logged(tmp_path / "cut")


def test_a_short_training_from_an_empty_folder_gains_over_bicubic(tmp_path):
    drrn = {"kind": "drrn", "options": {"features": 8, "units": 1, "norm": False}}
    config = tiny(
        network=drrn,
        data={"crop": 10},
        optimiser={"learning_rate": 5e-3},
        schedule={"kind": "cosine"},
        run={"steps": 100, "ema": 0.9, "clip": 0.1, "validate_every": 100, "save_every": 100},
    )
    seen = training_data(4, 2, size=48)
    pairs = pairs_of(seen, config, 1)

    finish(config, seen, Session(tmp_path))

    reached = float(logged(tmp_path)[-1]["psnr"])
    assert reached > bicubic(pairs) + 0.1  # 27.95 beside 27.75 dB where this was written


def bicubic(pairs):
    found = [psnr(imresize(lr[0].numpy(), 2).clip(0, 1), hr[0].numpy(), border=2)
             for lr, hr in pairs]  # fmt: skip
    return sum(found) / len(found)


def test_progress_tells_steps_loss_time_and_psnr(images, tmp_path):
    seen = finish(tiny(), images, Session(tmp_path))

    assert [one.step for one in seen] == [1, 2, 3, 4, 5, 6, 6]
    assert [one.loss is None for one in seen[:3]] == [True, False, False]
    assert [one.psnr is None for one in seen[:5]] == [True, True, True, False, False]
    assert seen[0].seconds_left > 0
    assert seen[-1].message == f"ended at step 6; the network is {tmp_path / 'tiny.safetensors'}"
    found = logged(tmp_path)
    assert [row["step"] for row in found] == ["2", "4", "6"]
    assert float(found[1]["psnr"]) == pytest.approx(seen[4].psnr, abs=1e-3)


def test_the_best_on_held_out_images_is_kept_and_loads(images, tmp_path):
    # so high a rate that it only gets worse
    config = tiny(optimiser={"learning_rate": 0.3}, run={"steps": 4, "validate_every": 1})

    seen = finish(config, images, Session(tmp_path))

    found = [float(row["psnr"]) for row in logged(tmp_path)]
    assert max(found) > found[-1]
    from safetensors import safe_open

    with safe_open(tmp_path / "tiny.safetensors", "pt") as file:
        card = file.metadata()["card"]
    assert f'"steps": {found.index(max(found)) + 1}' in card
    network = napari_sr.load(tmp_path / "tiny.safetensors", 2)
    assert network.scale == 2
    assert seen[-1].psnr == pytest.approx(found[-1], abs=1e-3)


def test_nan_stops_with_a_clear_word_and_the_last_good_state_intact(images, tmp_path):
    config = tiny(run={"steps": 50, "report_every": 50, "save_every": 2, "validate_every": 50})
    finish(config, images, Session(tmp_path), 4)
    kept = (tmp_path / "state.pt").read_bytes()
    mad = tiny(optimiser={"learning_rate": 1e38}, run={**config.run.__dict__})

    with pytest.raises(TrainingError, match=r"diverged by step 6: .*loss nan.*state of step 4 is"):
        finish(mad, images, Session(tmp_path, resume=True))

    assert (tmp_path / "state.pt").read_bytes() == kept


def test_a_session_of_no_time_takes_a_step_and_can_be_resumed(images, tmp_path):
    seen = finish(tiny(), images, Session(tmp_path, minutes=0))

    assert seen[-1].message.startswith("paused (can be resumed) at step 1; the network is")
    assert load_state(tmp_path)["step"] == 1
    told = finish(tiny(run={"steps": 2}), images, Session(tmp_path, resume=True))
    assert [one.message for one in told[:2]] == [
        "run.steps was 6 and is now 2",
        "resumes at step 1",
    ]


def test_a_folder_with_a_training_is_not_overwritten(images, tmp_path):
    finish(tiny(), images, Session(tmp_path), 2)

    with pytest.raises(
        StateError, match=r"has a training run at step 2: resume it, or give another"
    ):
        finish(tiny(), images, Session(tmp_path))


def test_pictures_on_the_device_train_the_same_network(images, tmp_path):
    for cache_on_device in (False, True):
        config = tiny(network=SRGAN, data={"cache_on_device": cache_on_device}, run={"steps": 2})
        finish(config, images, Session(tmp_path / str(cache_on_device)))

    states = [load_state(tmp_path / name)["learner"] for name in ("True", "False")]
    assert differences(*states) == []


def test_without_held_out_images_the_last_is_the_result(tmp_path):
    finish(tiny(run={"steps": 2}), training_data(held_out=0, size=24), Session(tmp_path))

    state = load_state(tmp_path)["learner"]["network"]
    result = napari_sr.load(tmp_path / "tiny.safetensors", 2)
    assert differences(dict(result.state_dict()), dict(state)) == []


def test_who_is_asked_may_stop_it_to_be_resumed(images, tmp_path):
    asked = iter([False, True])

    *_, last = finish(tiny(run=RUN), images, Session(tmp_path, stopped=lambda: next(asked)))

    assert "paused (can be resumed) at step 2" in last.message
    assert load_state(tmp_path)["step"] == 2


def test_a_training_that_nobody_goes_on_from_leaves_its_result_and_log(images, tmp_path):
    finish(tiny(run=RUN), images, Session(tmp_path, lasting=False), until=5)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "tiny.safetensors"]


def test_a_network_that_takes_even_sizes_only_is_judged_on_those(tmp_path):
    esrgan = {
        "kind": "rrdbnet",
        "options": {"features": 4, "growth": 2, "blocks": 1, "unshuffle": 2},
    }
    odd = training_data(size=38)  # 19 LR pixels
    config = tiny(network=esrgan, run={"steps": 1, "validate_every": 1})

    *_, last = finish(config, odd, Session(tmp_path))

    assert math.isfinite(last.psnr)


def test_a_training_that_is_done_does_nothing_more(images, tmp_path):
    finish(tiny(), images, Session(tmp_path))
    before = (tmp_path / "state.pt").read_bytes()

    seen = finish(tiny(), images, Session(tmp_path, resume=True))

    assert [one.step for one in seen] == [6, 6]
    assert (tmp_path / "state.pt").read_bytes() == before


def test_a_flat_image_is_not_judged_and_said_so(images, tmp_path):
    flat = of_array(np.full((40, 40, 3), 99, np.uint8), axes="YXC")
    both = replace(images, held_out=[*images.held_out, *flat])

    told, alone = (
        list(train(tiny(), one, Session(tmp_path / str(number), "cpu")))
        for number, one in enumerate((both, images))
    )

    assert told[0].message.startswith("1 of 2 held-out images are flat in the part")
    assert told[-1].psnr == alone[-1].psnr
