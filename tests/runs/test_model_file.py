"""Checkpoint files are recognised and imported, with what their card says."""

from __future__ import annotations

import pytest
import torch

from napari_sr import models
from napari_sr.runs.model_file import import_file, inspect_checkpoint
from napari_sr.runs.model_list import IMPORTED, TRAINED, ChosenModel, known_models
from napari_sr.training.checkpointing import export
from napari_sr.zoo import imported, trained


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
