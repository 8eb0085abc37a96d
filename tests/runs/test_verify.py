"""Files of models are good, damaged or missing."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from napari_sr.runs.prefetch import downloadable
from napari_sr.runs.verify import verify
from napari_sr.zoo.registry import entries

CONTENT = b"weights"
MODEL = replace(
    downloadable()[0], sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT)
)  # fmt: skip


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("content", "found"),
    [(CONTENT, "good"), (b"Weights", "damaged"), (b"short", "damaged"), (None, "missing")],
)
@pytest.mark.parametrize("here", [True, False])
def test_a_file_is_good_only_with_every_byte(cache, tmp_path, content, found, here):
    folder = cache if here else tmp_path
    if content is not None:
        (folder / MODEL.file).write_bytes(content)

    result = verify([MODEL], None if here else folder)

    assert vars(result) == {"good": [], "damaged": [], "missing": [], found: [MODEL.name]}


def test_the_models_that_ship_are_good(tmp_path):
    shipped = [entry for entry in entries() if entry.url is None]

    assert verify(shipped).good == verify(shipped, tmp_path).good == [one.name for one in shipped]


def test_a_damaged_shipped_model_is_found():
    (shipped,) = [entry for entry in entries() if entry.name == "fsrcnn-x2"]

    assert verify([replace(shipped, sha256="0" * 64)]).damaged == ["fsrcnn-x2"]


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(NotADirectoryError, match="nosuch is no folder"):
        verify([MODEL], tmp_path / "nosuch")
