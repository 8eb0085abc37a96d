"""A model is found, downloaded if it is missing, and loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fakes import Nearest

from napari_sr.runs.model import BlendError, ModelReference
from napari_sr.zoo import download


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (ModelReference(), "fsrcnn-x2"),
        (ModelReference(None, 3), "fsrcnn-x3"),
        (ModelReference("BSRN x4"), "bsrn-x4"),
        (ModelReference("bsrn", 2), "bsrn-x2"),
    ],
)
def test_a_name_is_found_in_the_registry(reference, name):
    assert reference.entry.name == name


@pytest.mark.parametrize("name", ["mine.pth", Path("mine"), Nearest(scale=2)])
def test_files_and_networks_are_not_looked_up_in_the_registry(name):
    assert ModelReference(name).entry is None


def test_both_models_of_a_blend_may_be_missing(monkeypatch):
    reference = ModelReference("fsrcnn", 2, second=ModelReference("bsrn-x2"), weight=0.5)

    monkeypatch.setattr(download, "local_path", lambda entry: None)

    assert [entry.name for entry in reference.entries] == ["fsrcnn-x2", "bsrn-x2"]
    assert reference.missing == reference.entries


def test_a_series_has_the_entries_and_the_scale_of_both():
    reference = ModelReference("fsrcnn", 2, then=ModelReference("fsrcnn", 3, title="Fast"))

    assert [entry.name for entry in reference.entries] == ["fsrcnn-x2", "fsrcnn-x3"]
    assert reference.known_scale == 6
    assert reference.label == "fsrcnn x2, then Fast x3"
    assert ModelReference("own.pth", then=reference).known_scale is None


def test_shipped_models_are_not_missing():
    assert ModelReference().missing == ()


def test_the_file_comes_from_the_given_function():
    fetched = []

    def fetch(entry):
        fetched.append(entry.name)
        return download.local_path(entry)

    assert ModelReference("fsrcnn", 2).load(fetch).provenance["model"] == "fsrcnn-x2"
    assert fetched == ["fsrcnn-x2"]


def test_messages_contain_the_titles():
    second = ModelReference("no model", title="Sharp")
    reference = ModelReference("fsrcnn", 2, second=second, weight=0.5, title="Fast")

    with pytest.raises(BlendError, match="Fast x2 cannot be blended with Sharp: no model is"):
        reference.load()


def test_a_loaded_network_is_returned_unchanged():
    network = Nearest(scale=2)

    assert ModelReference(network, 2).load() is network
    with pytest.raises(ValueError, match="needs scale=2 or none, got scale=3"):
        ModelReference(network, 3).load()


def test_naming_a_model_does_not_import_torch():
    code = (
        "import sys; from napari_sr.runs.model import ModelReference; "
        "ModelReference('bsrn', 2).missing; print('torch' in sys.modules)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "False"
