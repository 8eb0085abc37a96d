"""Which models were trained on images blurred by optics."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.runs.factor import reference_at
from napari_sr.runs.record import shrunk_as
from napari_sr.zoo import registry
from napari_sr.zoo.download import fetch
from napari_sr.zoo.optics import OPTICS, network_scale_for, saw_optics


@pytest.fixture
def own(tmp_path):
    """A file of the user's that was trained on a simulated microscope."""
    path = tmp_path / "mine.safetensors"
    shutil.copy(fetch(registry.find("microscope", 2)), path)
    return path


def test_known_models_are_told_by_their_name():
    assert saw_optics("microscope", 2)
    assert saw_optics("microscope-x2", None)
    assert not saw_optics("fsrcnn", 2)
    assert saw_optics(OPTICS, 3)
    with pytest.raises(ValueError, match="nonsense"):
        saw_optics("nonsense", 2)


@pytest.mark.parametrize("name", ["fsrcnn", "micrograph", "microscope", "bicubic", "fsrcnn-x2"])
def test_a_model_enlarges_by_a_factor_with_the_networks_that_upscale_chooses(name):
    for factor in (Fraction(1), Fraction(5, 4), Fraction(2), Fraction(5, 2), Fraction(3), 7):
        try:
            expected = reference_at(name, factor).known_scale
        except ValueError:
            with pytest.raises(ValueError, match=f"{name} enlarges at most"):
                network_scale_for(name, factor)
        else:
            assert network_scale_for(name, factor) == expected
    assert network_scale_for(OPTICS, 7) is None


@pytest.mark.parametrize(
    ("name", "factor"), [("micrograph", 2.5), ("micrograph", 3), ("bicubic", 9)]
)
def test_a_result_of_any_factor_is_checked_with_the_name_that_made_it(random, name, factor):
    image = gaussian_filter(random.random((40, 36)), 1).astype(np.float32)
    result = napari_sr.upscale(image, name, factor)

    found = napari_sr.check(image, result, name, scale=factor)

    assert 0 < found.rms < 0.05


def test_own_files_are_told_by_their_card(own, tmp_path):
    plain = tmp_path / "plain.safetensors"
    card = {"recipe": {"data": {"degradation": {"kind": "bicubic"}}}}
    save_file({"weight": np.zeros(3, np.float32)}, plain, {"card": json.dumps(card)})

    assert saw_optics(own, 2)
    assert saw_optics(str(own), 2)
    assert not saw_optics(plain, 2)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, random):
    text, image = tmp_path / "notes.txt", random.random((30, 30)).astype(np.float32)
    text.write_text("not a network")

    with pytest.raises(ValueError, match=r"notes\.txt"):
        napari_sr.check(image, np.kron(image, np.ones((2, 2))), str(text))


def test_a_file_of_another_scale_is_refused(own):
    with pytest.raises(ValueError, match=r"mine\.safetensors upscales 2 times, got .* scale 4"):
        saw_optics(own, 4)


def test_a_result_of_an_own_network_is_checked_as_that_of_the_known_one(own, random):
    image = gaussian_filter(random.random((48, 50)), 1).astype(np.float32)
    network = napari_sr.load(own)
    result = napari_sr.upscale(image, network, device="cpu", engine="torch")
    record = {**network.provenance}

    expected = napari_sr.check(image, result, "microscope")
    found = napari_sr.check(image, result, str(own))
    plain = napari_sr.check(image, result)

    assert shrunk_as(record) == OPTICS
    assert shrunk_as(napari_sr.load("fsrcnn", 2).provenance) == "fsrcnn-x2"
    assert found.rms == expected.rms == napari_sr.check(image, result, shrunk_as(record)).rms
    assert plain.rms > 1.2 * found.rms


def test_a_result_of_an_own_network_is_not_made_consistent_with_interpolation(own, random):
    with pytest.raises(ValueError, match="those of mine were blurred by optics"):
        napari_sr.upscale(random.random((30, 30)), own, consistent=True, device="cpu")
