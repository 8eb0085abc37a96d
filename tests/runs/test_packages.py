"""Model packages as models of the list, and in the folder of the user's networks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from bioimage_packages import Enlarger, description, files, steps, weights, write

from napari_sr.runs.model_file import import_file, inspect_checkpoint
from napari_sr.runs.model_list import IMPORTED, about, known_models
from napari_sr.runs.packages import listed
from napari_sr.zoo import imported, trained


@pytest.fixture
def path(tmp_path):
    known = description("torchscript", after=steps(("scale_linear", {"offset": 1})))
    image = np.random.default_rng(0).random((1, 1, 16, 16), np.float32)
    with torch.inference_mode():
        result = Enlarger().eval()(torch.from_numpy(image)).numpy() + 1
    return write(tmp_path / "mine.zip", files(known, weights("torchscript"), image, result))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    return tmp_path / "networks"


def test_a_package_is_a_model_of_the_list_with_what_its_author_says(path):
    found = inspect_checkpoint(path)

    assert (found.title, found.scales, found.other_unit) == ("mine", (2,), True)
    text = about(found)
    for words in (
        "A small enlarger (bioimage.io). Enlarges test images.",
        "By Ada; licence MIT.",
        "Tiles overlap by 3 px, as its author says.",
        "Its test image gives its author's result: the largest difference is 0",
    ):
        assert words in text
    assert listed(path.with_name("none.zip")) is None


def test_an_imported_package_is_an_unchanged_copy_that_opens_again(path, folder):
    copy = import_file(path)

    assert copy == folder / "mine.zip"
    assert copy.read_bytes() == path.read_bytes()
    (model,) = (one for one in known_models() if one.heading == IMPORTED)
    assert (model.title, model.scales, model.other_unit) == ("mine", (2,), True)
    assert model.remarks == inspect_checkpoint(path).remarks
    assert import_file(path) == copy
    imported.remove(copy)
    assert list(folder.iterdir()) == []


def test_a_folder_must_be_packed_before_it_is_imported(path, tmp_path):
    inner = tmp_path / "a"
    inner.mkdir()
    (inner / "rdf.yaml").write_text(json.dumps(description()), encoding="utf-8")

    with pytest.raises(ValueError, match="is a folder: pack it into a zip file"):
        import_file(inner)
