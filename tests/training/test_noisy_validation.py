"""PSNR is estimated, and a network learns, from noisy images alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from noisy import averaged, photons, picture, repeated, waves
from scipy.ndimage import gaussian_filter
from trainings import tiny, training_data

from napari_sr.layers.resize import imresize
from napari_sr.training.data.pictures import of_array
from napari_sr.training.data.spot import Spot
from napari_sr.training.data.training_data import TrainingData, pairs_of
from napari_sr.training.learner import build
from napari_sr.training.measurement import Measurement, inner
from napari_sr.training.noisy_pairs import NoisyPair, held_out_pairs
from napari_sr.training.noisy_validation import clear_step, errors_of, estimate_of, psnr_of
from napari_sr.training.session import Session
from napari_sr.training.trainer import train
from napari_sr.training.upscaled import upscaled
from napari_sr.training.validation import judge
from napari_sr.zoo.card import card_of
from napari_sr.zoo.checkpoint import read_checkpoint

NOISE = {"gain": 0.05}


def recipe_of(kind, steps=60, **options):
    """Return a recipe that trains a tiny network, at first an interpolation."""
    return tiny(
        network={"kind": "fsrcnn", "options": {"features": 8, "shrunk": 4, "layers": 1}},
        data={"grey": True, "crop": 20, "batch": 2,
              "degradation": {"kind": kind, "options": {"noise": NOISE, **options}}},
        loss=[{"kind": "mse"}],
        optimiser={"learning_rate": 5e-3},
        start={"kind": "interpolation"},
        run={"steps": steps, "validate_every": steps, "save_every": steps, "ema": 0.9},
    )  # fmt: skip


@pytest.fixture
def sources(random):
    """Return the truth, and two noisy images of it: to learn from, and held out."""
    truth = waves(64)
    learnt, held_out = (picture(photons(random, truth, gain=0.05)) for _ in range(2))
    return truth, TrainingData([learnt], [held_out])


@pytest.mark.parametrize("kind", ["recorruption", "thinning", "blind_spots"])
def test_a_network_gets_better_by_the_estimate_and_in_truth(kind, sources, tmp_path):
    truth, data = sources
    config = recipe_of(kind)
    pairs = held_out_pairs(data, config, channels=1)
    network = build(config).eval()
    network.start_as_interpolation()
    image = data.held_out[0].whole()

    def true_error():
        with torch.no_grad():
            result = network(image[None])
        seen = Measurement(Spot()).recorded(result, 2)[0, 0, 4:-4, 4:-4].numpy()
        return float(((seen - truth[4:-4, 4:-4]) ** 2).mean())

    before = judge(network, pairs), true_error()
    *_, last = train(config, data, Session(tmp_path / "run", "cpu", lasting=False))
    network.load_state_dict(read_checkpoint(tmp_path / "run" / "tiny.safetensors"))

    assert judge(network, pairs) == pytest.approx(last.psnr)
    assert last.psnr > before[0] + 1
    assert true_error() < 0.7 * before[1]


def structures(random, size=256):
    """Return a known image in 0..1, (size, size), with detail that bicubic interpolation loses."""
    texture = gaussian_filter(random.normal(0, 1, (size, size)), 2.0)
    spots = gaussian_filter((random.random((size, size)) > 0.995).astype(float), 1.3)
    image = texture / np.ptp(texture) + spots / spots.max()
    return (image - image.min()) / np.ptp(image)


def bicubic(image):
    return imresize(image, 2)


def soft(image):
    """Enlarge after a blur, which lessens noise and detail."""
    return torch.from_numpy(gaussian_filter(bicubic(image).numpy(), (0, 1.5, 1.5)))


def sharp(image):
    """Enlarge and sharpen, which strengthens noise."""
    return 1.6 * bicubic(image) - 0.6 * soft(image)


def invented(image):
    """Add detail that is 0 at the source's pixels, where a source cannot show it."""
    y, x = np.mgrid[0 : 2 * image.shape[-2], 0 : 2 * image.shape[-1]]
    return bicubic(image) + 0.1 * torch.from_numpy((-1.0) ** (y + x))


def gain_in_truth(method, source, truth):
    """Return how far a method is above bicubic interpolation, in dB, at the result's pixels."""
    errors = [float((one(torch.from_numpy(source)[None])[0] - truth)[8:-8, 8:-8].square().mean())
              for one in (method, bicubic)]  # fmt: skip
    return 10 * math.log10(errors[1] / errors[0])


def seen(noise, random):
    """Return a known image, a noisy source, and its pairs, whose noise is estimated."""
    truth = structures(random)
    lr = truth.reshape(128, 2, 128, 2).mean((1, 3))
    source = (lr + random.normal(0, noise, lr.shape)).astype(np.float32)
    config = recipe_of("recorruption")
    config.data.degradation.options["noise"] = {}
    return truth, source, held_out_pairs(TrainingData([], [picture(source)]), config, channels=1)


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.05, 0.2])
@pytest.mark.parametrize("method", [soft, sharp, averaged, invented])
def test_no_gain_over_bicubic_is_promised_that_the_truth_does_not_show(method, noise, random):
    truth, source, pairs = seen(noise, random)

    found, usual = estimate_of(method, pairs), estimate_of(bicubic, pairs)

    promised = found.psnr - usual.psnr
    true = gain_in_truth(method, source, torch.from_numpy(truth))
    if promised >= 1:
        assert true > 0.5
    assert promised < max(true, 0) + 1.5
    if not found.bound:
        assert promised == pytest.approx(true, abs=3)


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
def test_the_better_of_two_results_is_known_even_if_both_errors_are_lost_in_the_noise(
    noise, random
):
    truth, _, pairs = seen(noise, random)
    wrong = torch.from_numpy(gaussian_filter(random.normal(size=truth.shape), 3))
    wrong *= 0.3 * noise / wrong.std()
    right = torch.from_numpy(truth)

    # as good denoisers do, these do not depend on single pixels of the source
    better, worse, same = (
        estimate_of(lambda one, share=share: (right + share * wrong)[None].float()
                    [..., : 2 * one.shape[-2], : 2 * one.shape[-1]], pairs).merit
        for share in (0.5, 1.0, 0.97)
    )  # fmt: skip

    assert better > worse + 1
    assert same < worse + 1


def test_the_more_pixels_are_compared_the_smaller_gains_are_clear(random):
    config = recipe_of("recorruption")
    config.data.degradation.options["noise"] = {"gain": 0.02}

    def step(size):
        image = picture(photons(random, np.full((size, size), 0.5)))
        return clear_step(held_out_pairs(TrainingData([], [image]), config, channels=1))

    small, tried, large = step(30), step(50), step(200)

    assert small == pytest.approx(tried, rel=0.2)  # no less certain than in the trials
    assert large == pytest.approx(tried / 4, rel=0.2)


def test_the_identity_is_judged_as_it_is_in_truth(random):
    truth = waves(200)
    source = picture(photons(random, truth))
    config = recipe_of("recorruption")
    config.data.degradation.options["noise"] = {"gain": 0.02}

    pairs = held_out_pairs(TrainingData([], [source]), config, channels=1)

    for method in (averaged, repeated):
        seen = errors_of(method, pairs).seen
        wanted = torch.from_numpy(truth)[None, None]
        result = method(pairs[0].source)[None]
        recorded, _ = pairs[0].measurement(result, wanted)
        expected = float((recorded - inner(wanted)).square().mean())
        # over 37,000 pixels, the estimate varies by 1 % of the variance of noise, 0.01
        assert seen == pytest.approx(expected, abs=4e-4)


def test_a_luma_network_gets_the_noise_of_luma(random):
    source = picture(photons(random, waves()))
    grey, luma = recipe_of("recorruption"), recipe_of("recorruption")
    object.__setattr__(luma.data, "grey", False)

    one, other = (held_out_pairs(TrainingData([], [source]), config, channels=1)[0]
                  for config in (grey, luma))  # fmt: skip

    assert other.noise == pytest.approx(one.noise * (219 / 255) ** 2)
    assert other.target.std() == pytest.approx(float(one.target.std()) * 219 / 255, rel=1e-3)


def test_noise_of_rgb_becomes_that_of_its_luma():
    pixels = np.full((40, 40, 3), 0.5, np.float32)
    source = of_array(pixels, axes="YXC", value_range=(0.0, 1.0))[0]

    pair = held_out_pairs(TrainingData([], [source]), recipe_of("recorruption"), channels=1)[0]

    weights = np.array([0.299, 0.587, 0.114])
    # the variance of photons is 0.05 * 0.5
    assert pair.noise == pytest.approx(0.025 * (weights**2).sum(), rel=0.01)


def test_sharp_images_have_pairs_as_before():
    config, data = tiny(), training_data()

    found = held_out_pairs(data, config, channels=1)

    for one, other in zip(found, pairs_of(data, config, 1), strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])


def test_neighbours_are_compared_once(random):
    frames = [picture(photons(random, waves())) for _ in range(2)]
    data = TrainingData([], frames[:1], {frames[0].name: frames[1]})

    (pair,) = held_out_pairs(data, recipe_of("neighbours"), channels=1)

    assert torch.equal(pair.source, frames[1].whole())
    assert torch.equal(pair.target, frames[0].whole())


def test_without_held_out_images_there_are_no_pairs(sources):
    assert held_out_pairs(TrainingData(sources[1].learnt), recipe_of("thinning"), 1) == []


def test_a_result_that_is_not_finite_is_the_worst():
    image = torch.zeros(1, 20, 20)
    pair = NoisyPair(image, image, 0.0, Measurement(Spot()), 2)

    assert psnr_of(lambda lr: repeated(lr) * torch.nan, [pair]) == -math.inf


@pytest.mark.parametrize(("rate", "gains"), [(5e-3, True), (0.5, False)])
def test_a_recipe_replaces_the_network_at_the_start_only_by_a_better_one(
    rate, gains, sources, tmp_path
):
    _, data = sources
    config = recipe_of("recorruption")
    config = replace(config, optimiser=replace(config.optimiser, learning_rate=rate))
    session = Session(tmp_path / "run", "cpu")

    first, *between, last = train(config, data, session)

    torch.manual_seed(config.run.seed)
    network = build(config).eval()
    network.start_as_interpolation()
    start = judge(network, held_out_pairs(data, config, channels=1))
    told = [progress.message for progress in (first, *between)]
    assert f"before the first step: {start:.3f} dB (estimated)" in told
    state = read_checkpoint(tmp_path / "run" / "tiny.safetensors")
    *kept, _, _ = network.state_dict().items()  # the last layer is matched to the images
    assert all(torch.equal(state[key], value) for key, value in kept) != gains
    assert ("better than at the start" if gains else "the network at the start") in last.message
    network.load_state_dict(state)  # the total intensity is that of the images
    for image in (data.learnt[0].whole(), data.held_out[0].whole()):
        assert upscaled(network, image).mean() == pytest.approx(float(image.mean()), rel=0.01)


def test_a_recipe_that_is_stopped_early_has_been_judged(sources, tmp_path):
    _, data = sources
    training = train(recipe_of("recorruption"), data, Session(tmp_path / "run", "cpu"))
    while next(training).step < 3:
        pass
    training.close()

    assert card_of(tmp_path / "run" / "tiny.safetensors")["psnr_validation"] is not None
    *_, last = train(recipe_of("recorruption"), data, Session(tmp_path / "run", "cpu", resume=True))
    *_, whole = train(recipe_of("recorruption"), data, Session(tmp_path / "other", "cpu"))
    one, other = (
        read_checkpoint(tmp_path / name / "tiny.safetensors") for name in ("run", "other")
    )
    assert last.psnr == whole.psnr
    assert all(torch.equal(one[key], other[key]) for key in other)
