"""Compiled segments in memory."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from napari_sr.engine.backends import compilers, library, loaded
from napari_sr.engine.backends.library import Verdict
from napari_sr.engine.backends.loaded import LoadedModels

INSTALLED = compilers.installed()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_a_verdict_that_comes_later_is_seen(monkeypatch):
    monkeypatch.setattr(loaded, "LOOK_AGAIN", 0.0)
    models = LoadedModels()
    assert models.verdict("one") is None

    library.write_verdict("one", Verdict(False, why="it differs"))

    assert models.verdict("one") == Verdict(False, why="it differs")


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_file_that_is_gone_is_a_verdict(engine):
    library.write_verdict("one", Verdict(True))
    models = LoadedModels()

    models.model("one", engine, "float32")
    models.wait()

    assert models.model("one", engine, "float32") is None
    assert f"{engine} cannot load it" in models.verdict("one").why
    assert LoadedModels().verdict("one") is None  # another process tries it again


def test_a_segment_that_was_refused_stays_refused():
    library.write_verdict("one", Verdict(True, 0.0, 1.0, 2.0))
    models = LoadedModels()

    models.refuse("one", "its results differ")

    assert models.verdict("one").why == "its results differ"


def test_only_segments_that_are_loaded_can_be_freed():
    models, freed = LoadedModels(), []
    models._models = {name: Future() for name in ("loading", "failed", "loaded")}
    models._models["failed"].set_exception(RuntimeError("no such file"))
    models._models["loaded"].set_result(SimpleNamespace(free=lambda: freed.append("loaded")))

    for name in ("unknown", "loading", "failed", "loaded"):
        models.free(name)

    assert freed == ["loaded"]
