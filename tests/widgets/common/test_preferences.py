import os
import sys
from pathlib import Path
from types import SimpleNamespace

import napari.settings
import numpy as np
import pytest
import yaml
from napari.layers import Image

import napari_sr
from napari_sr.widgets.common.device_box import DeviceBox
from napari_sr.widgets.common.preferences import preference, use_cache_folder
from napari_sr.widgets.common.value_range import CONTRAST, DTYPE, PERCENTILES, usual_kind
from napari_sr.widgets.upscale.boxes import ENGINES
from napari_sr.zoo.download import CACHE_VARIABLE


@pytest.fixture
def prefer(monkeypatch):
    """Return a function that sets preferences of the group `upscaling` or `files`."""
    found = SimpleNamespace(upscaling=SimpleNamespace(), files=SimpleNamespace())
    monkeypatch.setattr(
        napari.settings, "get_plugin_settings", {"napari-sr": found}.__getitem__, raising=False
    )
    monkeypatch.setattr("napari_sr.widgets.common.preferences._is_unchanged", bool)
    return lambda group, **values: getattr(found, group).__dict__.update(values)


def test_what_the_user_prefers_is_returned(prefer):
    prefer("upscaling", engine="PyTorch")

    assert preference("upscaling", "engine", "automatic") == "PyTorch"
    assert preference("upscaling", "device", "auto") == "auto"


@pytest.mark.parametrize("changed", [False, True])
def test_napari_is_only_asked_if_it_has_saved_preferences(changed, monkeypatch, tmp_path):
    asked = SimpleNamespace(upscaling=SimpleNamespace(engine="PyTorch"))
    monkeypatch.setattr(napari.settings, "_CFG_PATH", tmp_path / "settings.yaml", raising=False)
    monkeypatch.setattr(
        napari.settings, "get_plugin_settings", {"napari-sr": asked}.__getitem__, raising=False
    )
    if changed:
        (tmp_path / "napari-sr.yaml").write_text("upscaling:\n  engine: PyTorch\n")

    found = preference("upscaling", "engine", "automatic")

    assert found == ("PyTorch" if changed else "automatic")


def test_without_such_preferences_the_default_holds(monkeypatch):
    monkeypatch.setattr("napari_sr.widgets.common.preferences._is_unchanged", bool)
    monkeypatch.setattr(napari.settings, "get_plugin_settings", {}.__getitem__, raising=False)
    assert preference("upscaling", "engine", "automatic") == "automatic"

    monkeypatch.setitem(sys.modules, "napari.settings", SimpleNamespace())  # before napari 0.9
    assert preference("upscaling", "engine", "automatic") == "automatic"


def test_the_preferred_values_are_usual(prefer):
    prefer("upscaling", values_of_8_bits="percentiles", values_of_others="data type")

    assert usual_kind(Image(np.zeros((4, 5), np.uint8))) == "percentiles"
    assert usual_kind(Image(np.zeros((4, 5), np.uint16))) == "data type"


def test_the_preferred_device_is_chosen_once_it_is_known(prefer, qtbot):
    prefer("upscaling", device="cuda:1")
    box = DeviceBox()
    qtbot.addWidget(box)

    box.offer([("cuda", "one"), ("cuda:1", "two"), ("cpu", "CPU")])

    assert box.device() == "cuda:1"


def test_the_folder_of_downloads_moves_unless_the_environment_names_one(
    prefer, monkeypatch, tmp_path
):
    prefer("files", cache_folder=f" {tmp_path} ")
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)

    use_cache_folder()
    assert os.environ[CACHE_VARIABLE] == str(tmp_path)

    monkeypatch.setenv(CACHE_VARIABLE, "/elsewhere")
    use_cache_folder()
    assert os.environ[CACHE_VARIABLE] == "/elsewhere"


def test_the_manifest_offers_what_the_form_knows():
    manifest = yaml.safe_load((Path(napari_sr.__file__).parent / "napari.yaml").read_text())
    groups = manifest["contributions"]["configurations"]
    offered = groups["upscaling"]["properties"]
    defaults = {name: one["default"] for name, one in offered.items()}

    assert defaults == {
        "engine": "automatic", "device": "auto", "values_of_8_bits": DTYPE,
        "values_of_others": CONTRAST,
    }  # fmt: skip
    assert groups["files"]["properties"]["cache_folder"]["default"] == ""
    assert offered["engine"]["enum"] == list(ENGINES)
    for name in ("values_of_8_bits", "values_of_others"):
        assert set(offered[name]["enum"]) == {CONTRAST, DTYPE, PERCENTILES}
