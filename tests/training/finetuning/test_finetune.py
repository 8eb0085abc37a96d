from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import finish
from noisy import photons, waves
from safetensors import safe_open
from safetensors.torch import save_file

import napari_sr
from napari_sr import models
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.evaluation.known_calibration import calibration_in
from napari_sr.models.edsr import EDSR
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.runs.model import ModelReference
from napari_sr.training import reporter
from napari_sr.training.component import ComponentSpec
from napari_sr.training.finetuning import base_model, finetune, pacing, preview, sizing
from napari_sr.training.finetuning.config import BaseModel, FineTuneConfig, FineTuningError, Image
from napari_sr.training.finetuning.finetune import fine_tune
from napari_sr.training.finetuning.noisy import NoisyHeldOut
from napari_sr.training.finetuning.pacing import Pacer
from napari_sr.training.finetuning.self_supervision import SelfSupervision
from napari_sr.training.finetuning.sizing import Size
from napari_sr.training.session import TrainingError
from napari_sr.training.validation import Judgement
from napari_sr.zoo.card import card_of
from napari_sr.zoo.checkpoint import read_checkpoint
from napari_sr.zoo.trained import networks

OTHER = Path("not written.safetensors")


def counts_of(steps, judged):
    """Return what stands in for timing the steps, so that no test depends on the machine."""

    def counts(pacer, stopped):
        return steps, judged
        yield

    return counts


@pytest.fixture
def task(tmp_path, random, monkeypatch):
    """Return a task of some steps, from a network that has learnt nothing."""
    monkeypatch.setattr(Pacer, "counts", counts_of(16, 4))
    monkeypatch.setattr(base_model, "RATES", (1e-2, 1e-2))
    monkeypatch.setattr(sizing, "LADDER", (Size(2, 24),))
    monkeypatch.setenv("NAPARI_SR_NETWORKS", str(tmp_path / "networks"))
    torch.manual_seed(0)
    record = models.architecture("espcn")
    start = tmp_path / "start.safetensors"
    save_file(record.network(**{**record.example, "scale": 2}).state_dict(), start)
    coarse = random.integers(0, 255, (2, 12, 12), np.uint8)
    smooth = coarse.repeat(4, 1).repeat(4, 2)
    return FineTuneConfig(
        images=(Image("cells", smooth, "ZYX"),),
        base_model=BaseModel("ESPCN x2", ModelReference(start)),
        scale=2,
        target=tmp_path / "networks" / "mine.safetensors",
        minutes=0.5,
    )


def stop_after(count):
    """Return a question that is answered with yes after so many times."""
    asked = []

    def stopped():
        asked.append(1)
        return len(asked) > count

    return stopped


def test_a_network_gets_better_and_is_kept_with_what_is_known_of_it(task):
    told, tuned = finish(fine_tune(task))

    scores = [update.psnr for update in told if update.psnr]
    assert scores[0] == (0, tuned.scores.start)
    assert tuned.psnr == max(score for step, score in scores if step)
    assert tuned.psnr > tuned.scores.start + 0.5
    assert any(update.loss for update in told)
    assert len([update for update in told if "with validation" in update.doing]) == 4
    assert [update.doing for update in told if update.completing] == [
        "Measuring errors for the spread (calibration) …"
    ]
    with safe_open(task.target, "numpy") as file:
        card = json.loads(file.metadata()["card"])
    assert card["here"]["images"] == ["cells"]
    (listed,) = networks()
    assert (listed.name, listed.psnr, listed.bicubic) == ("mine", tuned.psnr, tuned.scores.bicubic)
    network = napari_sr.load(task.target, scale=2)
    assert napari_sr.upscale(np.zeros((9, 8), np.uint8), network).shape == (18, 16)


def test_the_result_says_which_errors_its_held_out_part_showed(task):
    finish(fine_tune(task))

    known = calibration_in(card_of(task.target))
    assert known.about == "cells"
    assert known.images == 2
    plane = task.images[0].array[0]
    found = napari_sr.uncertainty(plane, task.target, device="cpu")
    bounds = found.error_below(0.9)
    assert set(np.unique(bounds)) <= set(255 * np.float32(known.bounds[known.levels.index(0.9)]))


def test_the_preview_is_the_kept_network_on_the_held_out_part(task):
    told, _ = finish(fine_tune(task))
    pictures = [update.preview for update in told if update.preview]

    first, last = pictures[0], pictures[-1]
    np.testing.assert_array_equal(first.truth, last.truth)
    assert first.truth.shape == (16, 48)
    truth = last.truth.astype(float)
    assert abs(last.network - truth).mean() < abs(first.network - truth).mean()


@pytest.fixture
def timed(task, monkeypatch):
    """Return the same task with its steps timed, if shortly."""
    monkeypatch.undo()
    monkeypatch.setattr(pacing, "TIMED", 0.0)
    monkeypatch.setattr(sizing, "LADDER", (Size(2, 24),))
    return task


def test_as_many_steps_are_taken_as_fit_and_few_are_noted(timed):
    _, short = finish(fine_tune(replace(timed, minutes=1e-5)))
    steps = fine_tune(replace(timed, minutes=5, target=timed.target.with_name("b.safetensors")))
    long = next(update for update in steps if update.doing.startswith("Training"))
    steps.close()

    assert f"in 1e-05 minutes, this device took only {short.steps} step" in short.notes[0]
    assert long.total > 100
    assert 0 < long.seconds_left <= 300


def test_the_session_ends_in_time_though_steps_are_left(task):
    _, tuned = finish(fine_tune(replace(task, minutes=1e-5)))

    assert tuned.steps < 16
    assert tuned.psnr == networks()[0].psnr


def test_what_is_stopped_before_it_was_judged_is_kept_with_its_score(task, monkeypatch):
    monkeypatch.setattr(Pacer, "counts", counts_of(1000, 1))

    told, tuned = finish(fine_tune(task, stop_after(4)))

    assert tuned.steps == 5
    assert tuned.notes == ()
    completing = [update.doing for update in told if update.completing]
    assert completing[0] == "Validating the network …"
    assert len([update for update in told if update.psnr]) == 1
    assert np.isfinite(tuned.psnr)
    assert networks()[0].psnr == tuned.psnr


def test_closing_leaves_the_best_so_far_and_nothing_else(task, tmp_path, monkeypatch):
    monkeypatch.setattr(finetune.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    steps = fine_tune(task)

    for update in steps:
        if update.psnr and update.psnr[0]:
            break
    steps.close()

    assert [one.psnr for one in networks()] == [update.psnr[1]]
    assert [path.name for path in task.target.parent.iterdir()] == ["mine.safetensors"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_closing_before_anything_was_judged_leaves_nothing(task):
    steps = fine_tune(task)
    while next(steps).scores is None:
        pass

    steps.close()

    assert not task.target.exists()


def test_a_worse_network_does_not_replace_a_better_one(task, monkeypatch):
    scores = iter([20.0, 30.0, 25.0, *[24.0] * 100])
    monkeypatch.setattr(reporter, "judgement", lambda *_: Judgement(*[next(scores)] * 2))

    told, tuned = finish(fine_tune(task))

    assert tuned.psnr == 30.0
    assert networks()[0].psnr == 30.0
    assert sum(update.preview is not None for update in told) == 3  # at first, at 20 and at 30


def test_planes_that_are_empty_in_the_middle_are_not_judged(task):
    cells = task.images[0].array
    half = np.concatenate([cells, np.zeros_like(cells)])

    _, tuned = finish(fine_tune(replace(task, images=(Image("half", half, "ZYX"),)), stop_after(1)))

    alone = next(
        update.scores for update in fine_tune(replace(task, target=OTHER)) if update.scores
    )
    assert tuned.scores == alone


def test_a_folder_that_cannot_be_written_is_refused_before_training(task, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ValueError, match="file is no folder that can be written"):
        next(fine_tune(replace(task, target=tmp_path / "file" / "a.safetensors")))


def test_a_network_of_that_name_is_never_replaced(task):
    task.target.parent.mkdir()
    task.target.write_bytes(b"mine")

    with pytest.raises(ValueError, match=r"mine\.safetensors already exists"):
        next(fine_tune(task))

    assert task.target.read_bytes() == b"mine"


def test_a_training_that_breaks_down_says_what_is_kept(task, monkeypatch):
    def broken(training):
        raise TrainingError("no finite number any more")

    means = reporter.Reporter.means
    monkeypatch.setattr(
        reporter.Reporter,
        "means",
        lambda self, step, saved: broken(self) if step > 9 else means(self, step, saved),
    )

    with pytest.raises(FineTuningError, match=r"diverged by step 9: .* kept as mine"):
        finish(fine_tune(task))


def test_small_images_are_made_as_told(task):
    microscope = ComponentSpec("microscope", {"optics": {"pixel": 0.3}, "camera": {"photons": 5.0}})

    noisy = next(
        update.scores
        for update in fine_tune(replace(task, degradation=microscope))
        if update.scores
    )
    clean = next(update.scores for update in fine_tune(task) if update.scores)

    assert noisy.bicubic < clean.bicubic - 5


def paced(monkeypatch, seconds_per_pixel, each=0.0):
    """Let steps take so long as they have pixels; return the sizes that are timed."""
    sizes = []

    def pace(pacer, stopped):
        sizes.append((pacer.size.batch, pacer.size.crop))
        assert (pacer.config.data.batch, pacer.config.data.crop) == sizes[-1]
        return each + seconds_per_pixel * pacer.size.pixels
        yield

    monkeypatch.setattr(Pacer, "_paced", pace)
    return sizes


LADDER = (Size(16, 24), Size(4, 24), Size(2, 24), Size(1, 24), Size(1, 4))


@pytest.mark.parametrize(
    ("seconds_per_pixel", "expected"),
    [(1e-6, (16, 8)), (0.6 / (4 * 64), (4, 8)), (0.9 / 64, (1, 8)), (9.0, (1, 4))],
    ids=["fast", "slower", "slow", "too slow"],
)
def test_a_step_learns_from_as_much_as_it_has_time_for(
    task, monkeypatch, seconds_per_pixel, expected
):
    monkeypatch.undo()
    monkeypatch.setattr(sizing, "LADDER", LADDER)
    sizes = paced(monkeypatch, seconds_per_pixel)
    trained = []
    train = finetune.train
    monkeypatch.setattr(
        finetune, "train", lambda config, *more: trained.append(config) or train(config, *more)
    )

    told = next(
        update.doing
        for update in fine_tune(replace(task, minutes=5))
        if update.doing.startswith("Training")
    )

    assert sizes[0] == (1, 8)  # the images are small
    assert sizes[-1] == expected
    assert told.endswith(f"each of {Size(*expected).words}")
    assert [(one.data.batch, one.data.crop) for one in trained] == [expected]


def test_a_step_that_takes_a_little_longer_is_not_timed_again(task, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sizing, "LADDER", LADDER)
    sizes = paced(monkeypatch, 1.2 / 64)

    next(update for update in fine_tune(replace(task, minutes=5)) if "Training" in update.doing)

    assert sizes == [(1, 8)]


def test_a_smaller_step_that_spares_no_time_is_not_taken(task, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sizing, "LADDER", LADDER)
    sizes = paced(monkeypatch, 0.0, each=3.0)

    told = next(
        update for update in fine_tune(replace(task, minutes=5)) if "Training" in update.doing
    )

    assert sizes == [(1, 8), (1, 4)]
    assert told.doing.endswith("each of 1 crop of 8 x 8 pixels")


def test_small_steps_are_noted(task, monkeypatch):
    monkeypatch.setattr(sizing, "LADDER", (Size(4, 24), Size(1, 24)))

    _, tuned = finish(fine_tune(task))

    [*_, note] = tuned.notes
    assert note.startswith("each step used 1 crop of 8 x 8 pixels, because 4 crops of 8 x 8")


def test_nothing_is_taken_that_has_no_room_in_memory(task, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sizing, "LADDER", LADDER)
    monkeypatch.setattr(finetune, "free_memory", lambda device: 0)
    sizes = paced(monkeypatch, 1e-6)

    next(update for update in fine_tune(task) if "Training" in update.doing)

    assert sizes == [(1, 4)]


def test_as_much_is_judged_as_there_is_time_for(task, monkeypatch):
    monkeypatch.setattr(sizing, "judgeable", lambda network, device, seconds: (16, 1))
    steps = fine_tune(task)

    preview = next(update.preview for update in steps if update.preview)
    steps.close()

    assert preview.truth.shape == (16, 16)


def test_what_is_flat_in_the_very_middle_is_judged_around_it(task, monkeypatch):
    monkeypatch.setattr(sizing, "judgeable", lambda network, device, seconds: (16, 1))
    flat = task.images[0].array.copy()
    flat[:, :, 12:36] = 0

    told, _ = finish(fine_tune(replace(task, images=(Image("flat", flat, "ZYX"),))))

    assert next(update.preview for update in told if update.preview).truth.shape == (16, 48)


@pytest.mark.parametrize(
    ("declared", "hot"),
    [((80.0, 160.0), 0), (Percentiles(5, 95), 0), ((0.0, 255.0), 30_000)],
    ids=["contrast limits inside", "percentiles", "one hot pixel"],
)
def test_values_beyond_black_and_white_are_learnt_and_told(task, declared, hot):
    cells = task.images[0].array.astype(np.uint16)
    cells[0, 24, 24] += hot  # in the band that is judged

    _, tuned = finish(fine_tune(replace(task, images=(Image("cells", cells, "ZYX", declared),))))

    assert "of the values of cells are beyond black and white" in tuned.notes[0]
    assert np.isfinite(tuned.psnr)
    assert tuned.path.is_file()


def test_a_flat_plane_does_not_lift_the_score(task):
    cells = task.images[0].array
    flat = np.concatenate([cells, np.full_like(cells, 77)])

    _, tuned = finish(fine_tune(replace(task, images=(Image("flat", flat, "ZYX"),)), stop_after(1)))

    alone = next(
        update.scores for update in fine_tune(replace(task, target=OTHER)) if update.scores
    )
    assert tuned.scores == alone


def test_results_that_are_not_finite_are_not_kept(task, monkeypatch):
    monkeypatch.setattr(reporter, "judgement", lambda *_: Judgement(-np.inf, -np.inf))
    monkeypatch.setattr(preview, "judgement", lambda *_: Judgement(-np.inf, -np.inf))

    with pytest.raises(FineTuningError, match="nothing was kept"):
        finish(fine_tune(task))


@pytest.fixture
def noisy(task, random):
    """Return a task that learns from one noisy image, from a network that only interpolates."""
    network = FSRCNN(scale=2, channels=1, features=8, shrunk=4, layers=1)
    network.start_as_interpolation()
    start = task.target.parents[1] / "interpolation.safetensors"
    save_file(network.state_dict(), start)
    pixels = photons(random, waves(96), gain=0.05)
    return replace(
        task,
        images=(Image("cells", pixels, "YX", (0.0, 1.0)),),
        base_model=BaseModel("FSRCNN x2", ModelReference(start)),
        supervision=SelfSupervision(),
    )


def test_a_network_learns_from_one_noisy_image(noisy, monkeypatch):
    monkeypatch.setattr(Pacer, "counts", counts_of(48, 4))

    told, tuned = finish(fine_tune(noisy))

    plane = noisy.images[0].array
    how = {"value_range": (0.0, 1.0), "device": "cpu", "axes": "YX"}
    before, after = (napari_sr.upscale(plane, path, 2, **how)
                     for path in (noisy.base_model.model.name, noisy.target))  # fmt: skip
    truth = waves(96)
    errors = [((one.reshape(96, 2, 96, 2).mean((1, 3)) - truth) ** 2).mean()
              for one in (before, after)]  # fmt: skip
    assert errors[1] < 0.7 * errors[0]
    assert tuned.psnr > tuned.scores.start + 1
    assert after.mean() == pytest.approx(plane.mean(), rel=0.01)
    assert tuned.notes[0].startswith("noise: gain 0.0")
    (listed,) = networks()
    assert listed.degradation == "noisy images alone: recorruption, no spot, Hessian penalty"
    pictures = [update.preview for update in told if update.preview]
    assert (pictures[-1].network != pictures[-1].original_network).any()
    assert told[-1].completing
    assert told[-1].doing == "Matching the intensity of results to the images …"


LAST = {"enlarge.weight", "enlarge.bias"}
"""The last layer of FSRCNN, which is corrected so that intensities are kept."""


def changed(one, other):
    """Return the names of the tensors that differ."""
    return {key for key in other if not torch.equal(one[key], other[key])}


def test_a_network_that_does_not_get_better_stays_the_original_one(noisy, monkeypatch):
    monkeypatch.setattr(Pacer, "counts", counts_of(4, 4))
    monkeypatch.setattr(base_model, "RATES", (0.1, 0.1))  # destroys the network

    _, tuned = finish(fine_tune(noisy))

    assert tuned.psnr == tuned.scores.start
    assert "No trained network was clearly better: the original network" in tuned.verdict
    kept, start = (read_checkpoint(path) for path in (noisy.target, noisy.base_model.model.name))
    assert changed(kept, start) <= LAST


@pytest.mark.parametrize(
    ("gain", "merit", "kept"), [(0.6, 0.9, False), (0.04, 5.0, False), (0.1, 1.1, True)]
)
def test_a_gain_from_noise_is_believed_if_it_is_clear(noisy, monkeypatch, gain, merit, kept):
    monkeypatch.setattr(Pacer, "counts", counts_of(4, 4))
    monkeypatch.setattr(NoisyHeldOut, "judgement", lambda *_: Judgement(20.0, 0.0))
    monkeypatch.setattr(reporter, "judgement", lambda *_: Judgement(20.0 + gain, merit))

    _, tuned = finish(fine_tune(noisy))

    assert (tuned.psnr, tuned.scores.start) == (20.0 + gain * kept, 20.0)
    ours, original = (read_checkpoint(path) for path in (noisy.target, noisy.base_model.model.name))
    assert (changed(ours, original) <= LAST) != kept


@pytest.mark.parametrize(("merit", "steps"), [(5.0, 30), (0.0, 40)], ids=["kept", "none"])
def test_training_from_noise_stops_when_it_no_longer_helps(noisy, monkeypatch, merit, steps):
    monkeypatch.setattr(Pacer, "counts", counts_of(40, 40))
    monkeypatch.setattr(NoisyHeldOut, "judgement", lambda *_: Judgement(20.0, 0.0))
    monkeypatch.setattr(reporter, "judgement", lambda *_: Judgement(21.0, merit))

    _, tuned = finish(fine_tune(noisy))

    # ten validations in the second half, or all, because the last steps are the smallest
    assert tuned.steps == steps


def test_a_time_series_learns_from_neighbouring_frames(noisy, random):
    pixels = np.stack([photons(random, waves(), gain=0.05) for _ in range(3)])
    image = Image("series", pixels, "TYX", (0.0, 1.0))

    _, tuned = finish(
        fine_tune(replace(noisy, images=(image,), supervision=SelfSupervision("neighbours")))
    )

    assert tuned.path.is_file()


def test_a_network_that_takes_the_noise_learns_from_several_noisy_images(noisy, random):
    network = EDSR(scale=2, channels=1, features=4, blocks=1, takes_noise=True)
    start = noisy.target.parents[1] / "conditioned.safetensors"
    save_file(network.state_dict(), start)
    base = BaseModel("EDSR x2", ModelReference(start))
    images = tuple(Image(f"cells {gain}", photons(random, waves(), gain), "YX", (0.0, 1.0))
                   for gain in (0.02, 0.1))  # fmt: skip

    told, tuned = finish(fine_tune(replace(noisy, images=images, base_model=base)))

    assert tuned.psnr >= tuned.scores.start
    assert any(update.preview for update in told)


def test_a_noisy_image_that_is_too_small_is_refused(noisy):
    image = Image("cells", np.zeros((20, 90), np.float32))

    with pytest.raises(ValueError, match="cells is too small to learn from: it has 20 x 90 pixels"):
        finish(fine_tune(replace(noisy, images=(image,))))
