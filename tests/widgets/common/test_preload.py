"""The modules of all forms are imported in a thread, once."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from npe2 import PluginManager

from napari_sr.widgets.common import preload

SCRIPT = """
import sys
from npe2 import PluginManager
from qtpy.QtWidgets import QApplication
from superqt.utils import WorkerBase
from napari_sr.widgets.common.preload import form_modules, preload_forms
app = QApplication([])
PluginManager.instance().discover()
before = [name for name in form_modules() if name in sys.modules]
preload_forms()
WorkerBase.await_workers(60_000)
print(len(form_modules()), before, [name for name in form_modules() if name not in sys.modules])
print("torch" in sys.modules)
"""


@pytest.fixture
def threads(monkeypatch, qtbot):
    """Return a list of the threads in which modules are imported, which are not."""
    found = []
    monkeypatch.setattr(preload, "import_module", lambda _: found.append(threading.get_ident()))
    monkeypatch.setattr(preload, "form_modules", lambda: ["one", "two"])
    preload.preload_forms.cache_clear()
    return found


def test_modules_are_imported_in_a_thread_and_once(threads, qtbot):
    preload.preload_forms()
    qtbot.waitUntil(lambda: len(threads) == 2)

    preload.preload_forms()
    qtbot.wait(50)

    assert len(threads) == 2
    assert threading.get_ident() not in threads


def test_every_form_of_the_manifest_is_imported_without_the_engine():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-2:] == ["11 [] []", "False"]


def test_there_is_nothing_to_import_without_the_manifest(monkeypatch):
    monkeypatch.setattr(PluginManager, "instance", PluginManager)

    assert preload.form_modules() == []
