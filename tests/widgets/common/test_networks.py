"""Which files are read for a choice, and how often."""

from __future__ import annotations

import os

import pytest
import torch

import napari_sr
from napari_sr import api, models
from napari_sr.widgets.common import networks as _networks
from napari_sr.widgets.common.model_list import Choice, inspect_checkpoint
from napari_sr.widgets.common.networks import BlendError, checked, loaded, network_of


@pytest.fixture
def read(monkeypatch):
    """Return the names of the files that are read from now on."""
    names, load = [], api.load

    def watched(name_or_path, scale=None, **options):
        names.append(getattr(name_or_path, "stem", name_or_path))
        return load(name_or_path, scale, **options)

    monkeypatch.setattr(api, "load", watched)
    _networks._loaded.cache_clear()
    yield names
    _networks._loaded.cache_clear()


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
    return Choice(first, 2, (("res_scale", 0.5),)).blended(second, 0.3)


def test_moving_the_slider_reads_no_file_again(blend, read):
    before = network_of(blend)

    after = network_of(blend.blended(blend.other.model, 0.6))

    assert read == ["a", "b"]
    paths = [part.model.name for part in blend.parts]
    for weight, network in ((0.3, before), (0.6, after)):
        expected = napari_sr.blend(*paths, weight, res_scale=0.5).state_dict()
        for key, value in network.state_dict().items():
            assert torch.equal(value, expected[key])


def test_both_get_the_answers_to_the_first_one_s_questions(blend, read):
    known = network_of(blend).provenance

    assert [each["options"] for each in known["blended"]] == [{"res_scale": 0.5}] * 2


def test_a_forecast_looks_and_leaves_the_first_as_it_is(blend, read):
    first = checked(blend)

    assert first is loaded(**blend.arguments)
    assert read == ["a", "b"]


def test_a_file_that_was_written_again_is_read_again(blend, read, file_of):
    network_of(blend)
    path = file_of("b", seed=7)
    os.utime(path, ns=(1, 1))

    network_of(blend)

    assert read == ["a", "b", "b"]


@pytest.mark.parametrize("ask", [network_of, checked])
def test_two_that_differ_are_told_as_what_cannot_be_blended(blend, read, file_of, ask):
    wide = inspect_checkpoint(file_of("wide", features=12))
    gone = inspect_checkpoint(file_of("gone"))
    (file_of("gone")).unlink()

    with pytest.raises(BlendError, match="got a and wide, which differ in the shape of"):
        ask(blend.blended(wide, 0.5))
    with pytest.raises(BlendError, match=r"a x2 cannot be blended with gone: .*gone\.pth"):
        ask(blend.blended(gone, 0.5))


def test_a_choice_without_a_second_is_loaded_as_it_is(blend, read):
    alone = Choice(blend.model, 2, blend.options)

    assert network_of(alone) is checked(alone)
    assert read == ["a"]
