"""Calibration on pairs: coverage on images that were not used, units, and the card."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_sr
from napari_sr.evaluation._imresize import imresize
from napari_sr.evaluation.conformal import CalibrationError
from napari_sr.evaluation.known_calibration import calibration_in
from napari_sr.training.calibration import add_calibration, calibrate, calibration_on
from napari_sr.training.checkpointing import export
from napari_sr.training.data.synthetic import SyntheticImages
from napari_sr.zoo.card import card_of
from napari_sr.zoo.checkpoint import read_checkpoint

WHITE = 4095


@pytest.fixture(scope="module")
def pairs():
    """Return pairs of 12 bits, all shrunk in one way: synthetic fluorescence."""
    found = []
    for picture in SyntheticImages(16, seed=77).pictures():
        size = slice(0, min(96, picture.height)), slice(0, min(96, picture.width))
        large = np.asarray(picture.read(*size), np.float64)
        large = (large / large.max() * WHITE).round()
        small = imresize(large, 0.5).clip(0, WHITE).round()
        found.append((small.astype(np.uint16), large.astype(np.uint16)))
    return found


@pytest.fixture
def options():
    return {"value_range": (0, WHITE), "device": "cpu"}


def test_bounds_hold_on_images_that_were_not_used(pairs, options):
    inside, half = [], []
    for used, unused in ((pairs[1::2], pairs[::2]), (pairs[::2], pairs[1::2])):
        calibration = calibrate(used, "fsrcnn", 2, **options)
        for small, large in unused:
            found = napari_sr.uncertainty(small, "fsrcnn", 2, **options)
            error = np.abs(found.result.astype(float) - large)
            inside.append((error <= found.error_below(0.9, calibration)).mean())
            half.append((error <= found.error_below(0.5, calibration)).mean())

    # eight images of each half, which differ: the coverage of one half is up to 0.62 for 0.5
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)
    assert np.mean(half) == pytest.approx(0.5, abs=0.1)
    assert (calibration.images, calibration.pixels) == (8, sum(one.size for _, one in pairs[::2]))


def test_a_calibrated_copy_keeps_its_weights_and_says_what_errors_to_expect(
    pairs, options, tmp_path
):
    target = tmp_path / "mine" / "calibrated.safetensors"

    calibration = calibrate(pairs[:4], "fsrcnn", 2, about="made", target=target, **options)

    small = pairs[5][0]
    found = napari_sr.uncertainty(small, target, **options)
    np.testing.assert_array_equal(
        found.result, napari_sr.upscale(small, "fsrcnn", 2, ensemble=True, **options)
    )
    assert calibration_in(card_of(target)) == calibration
    np.testing.assert_array_equal(found.error_below(), calibration.bound(found.spread, 0.9, WHITE))
    with pytest.raises(ValueError, match=r"calibrated\.safetensors already exists"):
        calibrate(pairs[:4], "fsrcnn", 2, target=target, **options)


def test_a_model_without_a_calibration_says_so(pairs, options, example):
    found = napari_sr.uncertainty(pairs[0][0], example("fsrcnn"), **options)

    with pytest.raises(CalibrationError, match="is not calibrated"):
        found.error_below()


def test_a_model_that_ships_has_bounds(pairs, options):
    found = napari_sr.uncertainty(pairs[0][0], "fsrcnn", 2, **options)

    bounds = found.error_below()

    assert bounds.shape == found.spread.shape
    assert (bounds > found.spread).mean() > 0.9


def test_a_truth_of_another_size_is_refused(pairs, options):
    small, large = pairs[0]

    with pytest.raises(ValueError, match=r"must have the shape .*, got "):
        calibrate([(small, large[1:])], "fsrcnn", 2, **options)


@pytest.mark.parametrize("full_range", [False, True])
def test_validation_pairs_give_what_images_give(full_range, pairs, options):
    network = napari_sr.load("fsrcnn", 2, full_range=full_range)
    black, step = (0, 1) if full_range else (16 / 255, 219 / 255)
    tensors = [
        tuple(torch.from_numpy(one.astype(np.float32) / WHITE * step + black)[None] for one in pair)
        for pair in pairs[:4]
    ]

    found = calibration_on(network, tensors)

    floats = [tuple(one.astype(np.float32) / WHITE for one in pair) for pair in pairs[:4]]
    measured = []
    for small, large in floats:
        result, spread = napari_sr.uncertainty(
            small, network, value_range=(0, 1), outliers="keep", device="cpu", engine="torch"
        )
        inner = (slice(2, -2), slice(2, -2))
        measured.append((spread[inner], (result - large)[inner]))
    from napari_sr.evaluation.conformal import calibration_of

    expected = calibration_of(measured)
    np.testing.assert_allclose(found.edges, expected.edges, rtol=1e-2, atol=1e-6)
    np.testing.assert_allclose(found.bounds, expected.bounds, rtol=2e-2, atol=1e-4)


def test_a_training_s_result_gets_the_errors_of_its_own_weights(example, tmp_path, random):
    network, path = example("fsrcnn"), tmp_path / "result.safetensors"
    export(path, network.state_dict(), {"scale": 2, "network": "fsrcnn"})
    pairs = [(torch.rand(1, 16, 16), torch.rand(1, 32, 32)) for _ in range(2)]
    expected = calibration_on(network, pairs, "mine")
    other = example("fsrcnn")
    torch.nn.init.zeros_(next(other.parameters()))

    add_calibration(path, other, pairs, "mine")

    card = card_of(path)
    assert calibration_in(card) == expected
    assert card["network"] == "fsrcnn"
    assert all(
        torch.equal(value, network.state_dict()[key])
        for key, value in read_checkpoint(path).items()
    )


def test_too_few_pixels_give_no_calibration(example, tmp_path):
    network, path = example("fsrcnn"), tmp_path / "result.safetensors"
    export(path, network.state_dict(), {"scale": 2})

    add_calibration(path, network, [(torch.rand(1, 8, 8), torch.rand(1, 16, 16))], "small")

    assert "calibration" not in card_of(path)
