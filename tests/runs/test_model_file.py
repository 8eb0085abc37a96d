"""Checkpoint files are recognised and imported, with what their card says."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch

from napari_sr import models
from napari_sr.runs.model_file import import_file, inspect_checkpoint
from napari_sr.runs.model_list import IMPORTED, TRAINED, ChosenModel, about, known_models
from napari_sr.training.checkpointing import export
from napari_sr.zoo import imported, trained
from napari_sr.zoo.model_card import ModelCard


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    return tmp_path / "networks"


def state_of(name, **changes):
    record = models.architecture(name)
    return record.network(**{**record.example, **changes}).state_dict()


@pytest.fixture
def checkpoint(tmp_path):
    """Return the file of a small FSRCNN, which does not show its scale."""
    torch.save(state_of("fsrcnn"), tmp_path / "net.pth")
    return tmp_path / "net.pth"


def own(heading):
    return [model for model in known_models() if model.heading == heading]


def test_a_card_answers_what_tensors_cannot_show(tmp_path):
    card = {"network": "edsr", "scale": 3, "options": {"res_scale": 0.25}}
    export(tmp_path / "mine.safetensors", state_of("edsr", scale=3, res_scale=0.25), card)

    model = inspect_checkpoint(tmp_path / "mine.safetensors")

    assert (model.scales, model.scale_is_known) == ((3,), True)
    assert (model.options, set(model.questions)) == ((("res_scale", 0.25),), {"input_range"})


def test_an_imported_file_is_a_copy_that_can_be_chosen_and_loaded(checkpoint, folder):
    place = import_file(checkpoint)
    checkpoint.unlink()

    (model,) = own(IMPORTED)
    assert place == folder / "net.pth"
    assert (model.name, model.title, model.scales) == (str(place), "net", (2, 3, 4, 8))
    assert not model.scale_is_known
    assert set(model.questions) == {"input_range"}
    assert ChosenModel(model, 3).reference.load().scale == 3


def test_what_is_imported_is_known_without_its_tensors(checkpoint):
    import_file(checkpoint)

    (file,) = imported.files()
    assert file.about.parameters == sum(value.numel() for value in state_of("fsrcnn").values())
    assert file.about.architecture == "fsrcnn"


def test_the_same_content_is_imported_once(checkpoint, tmp_path):
    (tmp_path / "again.pth").write_bytes(checkpoint.read_bytes())

    assert import_file(checkpoint) == import_file(tmp_path / "again.pth")
    assert len(own(IMPORTED)) == 1


def test_a_file_that_lies_in_the_folder_already_only_gets_its_description(checkpoint, folder):
    folder.mkdir()
    checkpoint.rename(folder / "net.pth")

    assert import_file(folder / "net.pth") == folder / "net.pth"
    assert len(own(IMPORTED)) == 1


def test_a_network_trained_in_napari_stays_one(tmp_path):
    here = {"base_model": "FSRCNN x2", "images": ["a"], "degradation": "bicubic"}
    card = {"network": "fsrcnn", "scale": 2, "here": {**here, "psnr": 31.0, "bicubic": 30.0}}
    export(tmp_path / "mine.safetensors", state_of("fsrcnn"), card)

    import_file(tmp_path / "mine.safetensors")

    assert [model.title for model in own(TRAINED)] == ["mine"]
    assert own(IMPORTED) == []


def test_a_file_that_is_no_checkpoint_leaves_nothing(tmp_path, folder):
    (tmp_path / "notes.pth").write_text("nothing")

    with pytest.raises(ValueError, match=r"notes\.pth"):
        import_file(tmp_path / "notes.pth")

    assert not folder.exists()


def beside(path, record):
    path.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")


def test_a_card_beside_the_file_gives_its_facts_also_after_an_import(checkpoint):
    beside(checkpoint, {"author": "Ada", "scale": 3, "noise": [0, 0.1], "for": "nuclei"})

    model = inspect_checkpoint(checkpoint)
    import_file(checkpoint)
    (again,) = own(IMPORTED)

    assert (model.scales, model.scale_is_known) == ((3,), True)
    assert model.line == "net: nuclei"
    for one in (model, again):
        assert "By Ada. Not" in about(one)
        assert "Not stated: name, licence, trained on, pixel size." in about(one)
        assert one.training().noise == (0.0, 0.1)


def test_a_card_with_another_scale_than_the_tensors_is_told(tmp_path):
    torch.save(state_of("edsr", scale=3), tmp_path / "a.pth")
    beside(tmp_path / "a.pth", {"scale": 4})

    model = inspect_checkpoint(tmp_path / "a.pth")

    assert model.scales == (3,)
    assert model.remarks == ("Its card (a.json) says x4, but its tensors show x3.",)


def test_the_collection_s_record_is_known_by_the_hash(tmp_path):
    torch.save(state_of("span"), tmp_path / "2x_Drawings_v3.pth")
    sha256 = hashlib.sha256((tmp_path / "2x_Drawings_v3.pth").read_bytes()).hexdigest()
    record = {"author": "ada", "license": None, "tags": ["cartoon"], "scale": 2}
    record["resources"] = [{"platform": "pytorch", "sha256": sha256}]
    (tmp_path / "2x-Drawings.json").write_text(json.dumps(record), encoding="utf-8")

    model = inspect_checkpoint(tmp_path / "2x_Drawings_v3.pth")

    assert model.card == ModelCard(author="ada", purpose="cartoon", scale=2)
    assert "licence" in model.card.missing


def test_which_weights_were_chosen_is_told(tmp_path):
    state = {f"generator.{key}": value for key, value in state_of("edsr").items()}
    torch.save({"params": {}, "params_ema": state, "epoch": 7}, tmp_path / "a.pth")

    model = inspect_checkpoint(tmp_path / "a.pth")
    import_file(tmp_path / "a.pth")

    assert model.remarks == (
        "Weights: the running mean 'params_ema', not 'params'.",
        "Tensors: generator.*.",
    )
    assert own(IMPORTED)[0].remarks == model.remarks
    assert model.remarks[0] in about(model)


@pytest.mark.parametrize(("channels", "grey"), [(1, True), (3, False)])
def test_an_esrgan_of_one_channel_takes_grey(tmp_path, channels, grey):
    torch.save(state_of("rrdbnet", channels=channels), tmp_path / "a.pth")

    assert inspect_checkpoint(tmp_path / "a.pth").grey is grey


def test_a_luma_network_does_not_take_grey(checkpoint):
    assert inspect_checkpoint(checkpoint).grey is False
