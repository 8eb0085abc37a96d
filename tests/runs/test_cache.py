"""The files that are read for a choice, and how often."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

import napari_sr
from napari_sr import models
from napari_sr.runs import cache, loading
from napari_sr.runs.cache import load, load_checked, load_first
from napari_sr.runs.model import BlendError, ModelReference
from napari_sr.runs.model_file import inspect_checkpoint
from napari_sr.runs.model_list import ChosenModel

FOR_ALL = cache._loaded
"""The cache that this process's tests share."""


@pytest.fixture
def read(monkeypatch):
    """Return the names of the files that are read from now on."""
    names, load_one = [], loading.load_one

    def watched(reference, fetch=None):
        names.append(getattr(reference.name, "stem", reference.name))
        return load_one(reference, fetch)

    monkeypatch.setattr(loading, "load_one", watched)
    cache._loaded.cache_clear()
    yield names
    cache._loaded.cache_clear()


@pytest.fixture
def file_of(tmp_path):
    def save(name, seed=0, **changes):
        record = models.architecture("edsr")
        torch.manual_seed(seed)
        path = tmp_path / f"{name}.pth"
        torch.save(record.network(**{**record.example, **changes}).state_dict(), path)
        return path

    return save


@pytest.fixture
def blend(file_of):
    first, second = (inspect_checkpoint(file_of(name, seed)) for seed, name in enumerate("ab"))
    return ChosenModel(first, 2, (("res_scale", 0.5),)).blended(second, 0.3)


def test_moving_the_slider_reads_no_file_again(blend, read):
    before = load(blend.reference)

    after = load(blend.blended(blend.second.model, 0.6).reference)

    assert read == ["a", "b"]
    paths = [blend.model.name, blend.second.model.name]
    for weight, network in ((0.3, before), (0.6, after)):
        expected = napari_sr.blend(*paths, weight, res_scale=0.5).state_dict()
        for key, value in network.state_dict().items():
            assert torch.equal(value, expected[key])


def test_both_models_get_the_options_of_the_first(blend, read):
    known = load(blend.reference).provenance

    assert [each["options"] for each in known["blended"]] == [{"res_scale": 0.5}] * 2


def test_a_check_does_not_change_the_first_model(blend, read):
    first = load_checked(blend.reference)

    assert first is load_first(blend.reference)
    assert read == ["a", "b"]


def test_a_file_that_was_written_again_is_read_again(blend, read, file_of):
    load(blend.reference)
    path = file_of("b", seed=7)
    os.utime(path, ns=(1, 1))

    load(blend.reference)

    assert read == ["a", "b", "b"]


@pytest.mark.parametrize("ask", [load, load_checked])
def test_two_different_networks_are_refused_as_a_blend(blend, read, file_of, ask):
    wide = inspect_checkpoint(file_of("wide", features=12))
    gone = inspect_checkpoint(file_of("gone"))
    (file_of("gone")).unlink()

    with pytest.raises(BlendError, match="got a and wide, which differ in the shape of"):
        ask(blend.blended(wide, 0.5).reference)
    with pytest.raises(BlendError, match=r"a x2 cannot be blended with gone: .*gone\.pth"):
        ask(blend.blended(gone, 0.5).reference)


def test_a_choice_without_a_second_is_loaded_unblended(blend, read):
    alone = ChosenModel(blend.model, 2, blend.options)

    assert load(alone.reference) is load_checked(alone.reference)
    assert read == ["a"]


def test_a_script_that_names_a_file_reads_it_once_until_it_is_written_again(read, file_of):
    path, image = file_of("a"), np.random.default_rng(0).random((8, 8), np.float32)

    before = [napari_sr.upscale(image, str(path)) for _ in range(2)][1]
    file_of("a", seed=7)
    after = napari_sr.upscale(image, str(path))

    assert read == [str(path)] * 2
    assert np.abs(after - before).max() > 1e-3


def test_a_network_of_a_script_is_not_kept(read, file_of):
    network = napari_sr.load(file_of("a"))

    assert load(ModelReference(network)) is network
    assert cache._loaded.cache_info().currsize == 0


@pytest.mark.parametrize("named", ["", "rdf.yaml"])
def test_a_package_is_read_again_if_one_of_its_files_changed(tmp_path, named, monkeypatch):
    for name in ("rdf.yaml", "weights.onnx"):
        (tmp_path / name).write_text(name)
    before = cache._stamps(tmp_path / named)

    assert cache._stamps(tmp_path / named) == before
    (tmp_path / "weights.onnx").write_text("other weights")
    assert cache._stamps(tmp_path / named) != before

    monkeypatch.setattr(cache, "MOST_FILES", 1)  # the weights may not be among the first ones
    assert cache._stamps(tmp_path / named) != cache._stamps(tmp_path / named)


def test_a_network_that_a_test_stands_in_with_never_reaches_another_test(loader):
    FOR_ALL.cache_clear()

    assert load(ModelReference("fsrcnn-x2", 2)) is loader.network
    assert FOR_ALL.cache_info().currsize == 0
