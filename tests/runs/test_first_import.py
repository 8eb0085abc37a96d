from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_sr.runs import first_import


def test_many_threads_may_import_at_once_and_the_loaders_flags_stay():
    code = (
        "import sys; before = sys.getdlopenflags();"
        "from concurrent.futures import ThreadPoolExecutor as Pool;"
        "from napari_sr.runs.first_import import import_engine;"
        "pool = Pool(4); waiting = [pool.submit(import_engine) for _ in range(4)];"
        "print([done.result() for done in waiting], sys.getdlopenflags() == before)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[None, None, None, None] True"


def test_only_new_garbage_is_collected_during_an_import():
    usual = gc.get_threshold()

    with pytest.raises(ImportError), first_import._no_full_collections():
        during = gc.get_threshold()
        raise ImportError("no such module")

    assert during[:2] == usual[:2]
    assert during[2] >= 1_000_000  # collections of the middle generation before a full one
    assert gc.get_threshold() == usual


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere libraries are called otherwise")
def test_torch_s_libraries_are_loaded_first(monkeypatch):
    loaded = []
    torch = sys.modules["torch"]
    monkeypatch.delitem(sys.modules, "torch")
    opener = SimpleNamespace(dlopen=lambda path, flags: loaded.append(Path(os.fsdecode(path))))
    monkeypatch.setattr(first_import.ctypes, "CDLL", lambda name: opener)

    first_import._load_library()

    assert [path.stem for path in loaded][:3] == ["libtorch_global_deps", "libc10", "libtorch_cpu"]
    assert {path.parent for path in loaded} == {Path(torch.__file__).parent / "lib"}


def test_a_loaded_torch_is_not_loaded_again(monkeypatch):
    monkeypatch.setattr(first_import.ctypes, "CDLL", lambda name: pytest.fail("loaded again"))

    first_import._load_library()
