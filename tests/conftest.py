"""Fixtures for all tests: determinism, quiet threads, real files where they are at hand."""

from __future__ import annotations

import functools
import gc
import logging
import os
import subprocess
import sys
import time
from types import SimpleNamespace

# before torch is imported: waiting threads must sleep, or two busy cores stand still
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("NAPARI_SR_CACHE", os.devnull)  # tests that download set their own
os.environ.setdefault("NAPARI_SR_COMPILED", os.devnull)  # likewise those that compile
os.environ.setdefault("NAPARI_SR_ENGINE", "torch")  # results do not depend on what is compiled
os.environ.setdefault("NAPARI_SR_NETWORKS", os.devnull)  # likewise those that train

import extras
import numpy as np
import pytest
import torch
from hypothesis import settings
from reference import SHARED, case_record, cases  # noqa: F401

# before Triton is imported, which nothing above does
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

gc.disable()  # until all tests are collected: imports leave little garbage, but much to search

settings.register_profile("quick", max_examples=4, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=60, deadline=None)
settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)  # not called without xdist
def pytest_xdist_auto_num_workers():
    """Use one process more than cores: tests of forms and commands often wait."""
    told = "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ
    return None if told else (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection():
    """Start the garbage collector again, which was stopped for the imports."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_setup(item):
    """Skip a test that needs an extra which is not installed; a file ".zarr" needs one, too."""
    wanted = [extra for marker in item.iter_markers("needs") for extra in marker.args]
    if ".zarr" in item.name:
        wanted.append("zarr")
    for why in filter(None, map(extras.missing, wanted)):
        pytest.skip(why)


@pytest.fixture(scope="session")
def _clean_themes():
    """Replace napari's fixture, which takes time in every test: no test adds a theme."""


@pytest.fixture(scope="session")
def _disable_qt_warnings():
    """Replace napari's fixture, which imports its window for every test: our Qt is not old."""


@pytest.fixture(autouse=True, scope="session")
def _threads():
    # side by side, every process has a core
    torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)


@pytest.fixture(autouse=True, scope="session")
def _packages_without_processes():
    """Open model packages in this process; a process for each of hundreds would take minutes."""
    from napari_sr.zoo.bioimage import trial

    trial.ENABLED = False


@pytest.fixture(autouse=True, scope="module")
def _short_collections():
    """Let the garbage collector, which every run calls, pass over what is there for good."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def shared():
    """Folder of real checkpoints, images and reference outputs that is never committed."""
    if not SHARED.is_dir():
        pytest.skip(f"the folder of real checkpoints and images is not at {SHARED}")
    return SHARED


@pytest.fixture
def replace_time(monkeypatch):
    """Return a function that replaces functions of `time` in one module.

    Replaced in `time` itself, they would reach the threads that other tests left behind.
    """

    def replace(module, **functions):
        monkeypatch.setattr(module, "time", SimpleNamespace(**{**vars(time), **functions}))

    return replace


@pytest.fixture
def logged():
    """Return the list of records that are logged during the test, from INFO on.

    pytest's own `caplog` is off: its plugin looks at all loggers, a thousand with PyTorch's, six
    times in each test.
    """
    records, handler, root = [], logging.Handler(), logging.getLogger()
    handler.emit = records.append
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield records
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def example():
    """Return a function that builds the small instance of a network, seeded, in eval mode."""
    from napari_sr import models

    def build(name: str, **changes):
        torch.manual_seed(0)
        record = models.architecture(name)
        return record.network(**{**record.example, **changes}).eval()

    return build


@pytest.fixture
def loader(monkeypatch):
    """Replace the loading of networks by `forms.Loader`, and the timing that would run them.

    The test has a cache of its own: a thread that it leaves behind may still load its network.
    """
    from forms import Loader

    from napari_sr.runs import cache, forecast, loading

    own = functools.lru_cache(maxsize=2)(lambda stamps, reference: loader(reference))
    monkeypatch.setattr(cache, "_loaded", own)  # before `load_one`, thus undone after it
    loader = Loader()
    monkeypatch.setattr(loading, "load_one", loader)
    monkeypatch.setattr(forecast, "_speed", lambda settings, reference: 1e6)
    return loader


@pytest.fixture
def gone():
    """Return the number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def small_blocks(monkeypatch):
    """Make blocks of 64 pixels, so that small images have many."""
    from napari_sr.streaming import result

    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (64,))
    result.opened.cache_clear()
    yield
    result.opened.cache_clear()
