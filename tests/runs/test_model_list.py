from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from napari_sr import models
from napari_sr.graph.foreign import Foreign, Hints
from napari_sr.runs.model import ModelReference
from napari_sr.runs.model_file import inspect_checkpoint
from napari_sr.runs.model_list import (
    COMPUTED,
    DOWNLOADED,
    INCLUDED,
    TRAINED,
    ChosenModel,
    ListedModel,
    about,
    known_models,
)
from napari_sr.training.checkpointing import export
from napari_sr.zoo import community, registry, trained


def save(tmp_path, name, **changes):
    """Write a small checkpoint of an architecture; return its path."""
    record = models.architecture(name)
    path = tmp_path / f"{name}.pth"
    torch.save(record.network(**{**record.example, **changes}).state_dict(), path)
    return path


def test_every_known_checkpoint_can_be_chosen():
    names = {entry.name for model in known_models() for entry in model.entries}

    assert names == {entry.name for entry in registry.entries()}


def test_models_that_ship_come_first():
    headings = [model.heading for model in known_models()]

    assert headings[0] == INCLUDED
    assert headings == sorted(headings, key=[INCLUDED, DOWNLOADED, COMPUTED].index)


def test_a_model_offers_the_scales_that_exist():
    by_name = {model.name: model for model in known_models()}

    assert by_name["fsrcnn"].scales == (2, 3, 4)
    assert by_name["bsrn"].scales == (2, 4)
    assert by_name["fsrcnn"].title == "FSRCNN"


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return the file of a network that was trained here, from an EDSR with an option."""
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path))
    record = models.architecture("edsr")
    network = record.network(**{**record.example, "res_scale": 0.25, "scale": 3})
    here = {"base_model": "EDSR x3", "images": ["cell"], "degradation": "bicubic"}
    card = {"network": "edsr", "scale": 3, "options": {"res_scale": 0.25}}
    card["here"] = {**here, "psnr": 31.0, "bicubic": 30.0, "start": 29.0}
    export(tmp_path / "my cells.safetensors", network.state_dict(), card)
    return tmp_path / "my cells.safetensors"


def test_networks_trained_here_are_listed_and_loaded_with_options_that_tensors_cannot_show(mine):
    listed = known_models()
    (model,) = [model for model in listed if model.heading == TRAINED]

    choice = ChosenModel(model, 3)

    assert [each.heading for each in listed].index(TRAINED) > 0
    assert (choice.label, model.architecture) == ("my cells x3", "edsr")
    assert "31.00 dB, bicubic 30.00 dB" in model.summary
    assert choice.reference == ModelReference(mine, 3, (("res_scale", 0.25),))
    assert choice.reference.load().scale == 3


def test_interpolations_are_offered_like_any_model():
    offered = {model.name: model for model in known_models() if model.heading == COMPUTED}

    assert list(offered) == ["nearest", "bilinear", "bicubic", "bicubic-torch", "lanczos"]
    assert {model.scales for model in offered.values()} == {(2, 3, 4, 8)}
    assert ChosenModel(offered["lanczos"], 3).reference.load().method == "lanczos"


def test_a_known_choice_is_loaded_by_its_name():
    choice = ChosenModel(known_models()[0], 3)

    assert choice.reference == ModelReference("fsrcnn-x3", 3)
    assert choice.label == "FSRCNN x3"


def test_a_blend_is_two_choices_with_one_scale_and_one_set_of_answers(tmp_path):
    first, second = (inspect_checkpoint(save(tmp_path, "edsr")) for _ in range(2))
    alone = ChosenModel(first, 2, (("res_scale", 0.1),))

    choice = alone.blended(second, 0.25)

    assert choice.label == "0.75 edsr + 0.25 edsr x2"
    assert choice.reference.second == alone.reference


def test_a_second_model_gets_the_options_of_a_known_first_model():
    known = {model.name: model for model in known_models()}
    second = ListedModel("mine.pth", "mine", "", "", (4,), architecture="rfdn")

    choice = ChosenModel(known["rfdn"], 4).blended(second, 0.5)

    assert choice.reference.name == "rfdn-x4"
    wanted = ModelReference(Path("mine.pth"), 4, (("input_range", 255),))
    assert choice.reference.second == wanted


@pytest.mark.parametrize("name", ["fsrcnn", "mdsr", "srgan"])
def test_a_file_has_the_architecture_that_the_registry_calls_by_this_name(tmp_path, name):
    assert inspect_checkpoint(save(tmp_path, name)).architecture == name


def test_a_file_that_shows_its_scale_offers_only_that(tmp_path):
    model = inspect_checkpoint(save(tmp_path, "bsrn", scale=3))

    assert model.scales == (3,)
    assert model.scale_is_known
    assert model.title == "bsrn"


def test_a_file_that_does_not_enlarge_says_so(tmp_path):
    record = models.architecture("compact")
    network = record.network(**{**record.example, "scale": 1})
    torch.save(network.state_dict(), tmp_path / "clean.pth")

    found = inspect_checkpoint(tmp_path / "clean.pth")

    assert found.scales == (1,)
    assert about(found).startswith("Restores images, does not enlarge them.")


def test_a_file_of_several_scales_offers_these(tmp_path):
    model = inspect_checkpoint(save(tmp_path, "mdsr", scale=3, scales=(3, 8)))

    assert model.scales == (3, 8)
    assert model.scale_is_known


def test_the_scale_of_a_file_that_does_not_show_it_is_asked_for(tmp_path):
    path = save(tmp_path, "fsrcnn")

    model = inspect_checkpoint(path)

    assert model.scales == (2, 3, 4, 8)
    assert not model.scale_is_known
    assert ChosenModel(model, 4).reference == ModelReference(path, 4)


def test_options_that_tensors_cannot_show_are_asked_for(tmp_path):
    model = inspect_checkpoint(save(tmp_path, "edsr"))

    assert model.questions == {"res_scale": None, "input_range": 255.0}


def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path):
    path = tmp_path / "notes.pth"
    path.write_text("nothing")

    with pytest.raises(ValueError, match=r"notes\.pth"):
        inspect_checkpoint(path)


@pytest.mark.parametrize(
    ("whole", "warning"),
    [
        (False, "tiles may leave seams."),
        (True, "tiles may leave seams. If possible, compute each plane in a single tile."),
    ],
)
def test_a_network_of_another_library_gets_a_warning(tmp_path, whole, warning, monkeypatch):
    network = Foreign(
        module=torch.nn.Identity(), call=None, title="SwinIR (spandrel)", scale=4, channels=3,
        hints=Hints(whole=whole),
    )  # fmt: skip
    monkeypatch.setattr(community, "find", lambda state, error: network)
    torch.save({"a": torch.zeros(3)}, tmp_path / "photo.pth")

    model = inspect_checkpoint(tmp_path / "photo.pth")

    assert (model.title, model.scales, model.scale_is_known) == ("photo", (4,), True)
    assert model.summary.startswith("SwinIR (spandrel). Not a network of napari-sr: ")
    assert model.summary.endswith(warning)
    assert model.architecture == "SwinIR (spandrel)"


def test_a_scale_in_the_model_s_name_is_not_repeated():
    model = ListedModel("", "spots FSRCNN x2", "", "", (2, 4))

    assert ChosenModel(model, 2).label == "spots FSRCNN x2"
    assert ChosenModel(model, 4).label == "spots FSRCNN x2 x4"


def test_a_factor_chooses_the_networks_and_is_part_of_the_label():
    fsrcnn = next(model for model in known_models() if model.name == "fsrcnn")

    half, large = (ChosenModel(fsrcnn, 3, factor=factor) for factor in (Fraction(5, 2), 7))

    assert (half.enlargement, half.reference.scale, half.reference.factor) == (2.5, 3, 2.5)
    assert half.label == "FSRCNN x3, shrunk to x2.5"
    assert large.label == "FSRCNN x4, then FSRCNN x2, shrunk to x7"
