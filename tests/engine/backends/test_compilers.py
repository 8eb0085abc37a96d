"""All compilers offer the same."""

from __future__ import annotations

import inspect

import pytest
import torch

from napari_sr.engine.backends import compilers
from napari_sr.engine.backends.compilers import COMPILERS, Compiler, largest_error


@pytest.mark.parametrize("name", COMPILERS)
def test_a_compiler_offers_what_trials_need(name):
    compiler = COMPILERS[name]

    for needed, method in inspect.getmembers(Compiler, inspect.isfunction):
        if not needed.startswith("_"):
            _, *wanted = inspect.signature(method).parameters
            assert list(inspect.signature(getattr(compiler, needed)).parameters) == wanted
    assert "float32" in compiler.PRECISIONS
    assert all(suffix.startswith(".") for suffix in compiler.SUFFIXES)


def test_only_what_has_a_version_is_installed(monkeypatch):
    for name, compiler in COMPILERS.items():
        monkeypatch.setattr(compiler, "version", lambda name=name: "1" * (name == "onnxruntime"))

    assert compilers.installed() == ["onnxruntime"]


def test_an_error_is_a_share_of_the_largest_value():
    wanted = torch.tensor([0.0, 200.0])

    assert largest_error([wanted + 1], [wanted]) == pytest.approx(1 / 200)
    assert largest_error([wanted * torch.nan], [wanted]) == float("inf")
    assert largest_error([], []) == 0
