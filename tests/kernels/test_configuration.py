"""How kernels are launched on which architecture."""

from __future__ import annotations

import re

import pytest
import torch

import sr_kernels
from sr_kernels import _configuration
from sr_kernels._configuration import configuration, configurations


@pytest.fixture
def on(monkeypatch):
    """Return a function that pretends that tensors lie on a GPU, and what the file holds."""

    def pretend(architecture, held):
        monkeypatch.setattr(_configuration, "architecture", lambda device: architecture)
        monkeypatch.setattr(_configuration, "configurations", lambda: held)

    return pretend


HELD = {"sm_90": {"bsconv": {"BLOCK": 16, "num_warps": 4}, "bsconv/48": {"BLOCK": 64}}}
USUAL = {"BLOCK": 32, "num_warps": 8, "num_stages": 2}


def test_the_file_overrides_the_usual(on):
    on("sm_90", HELD)

    chosen = configuration("bsconv", torch.empty(1, 64, 2, 2), **USUAL)

    assert chosen == {"BLOCK": 16, "num_warps": 4, "num_stages": 2}


def test_a_width_of_its_own_counts_more(on):
    on("sm_90", HELD)

    chosen = configuration("bsconv", torch.empty(1, 48, 2, 2), **USUAL)

    assert chosen == {"BLOCK": 64, "num_warps": 4, "num_stages": 2}


@pytest.mark.parametrize(("outputs", "block"), [(32, 128), (48, 64), (None, 64)])
def test_a_pair_of_widths_counts_most(on, outputs, block):
    on("sm_90", {"sm_90": HELD["sm_90"] | {"bsconv/48-32": {"BLOCK": 128}}})

    chosen = configuration("bsconv", torch.empty(1, 48, 2, 2), outputs=outputs, **USUAL)

    assert chosen == {"BLOCK": block, "num_warps": 4, "num_stages": 2}


@pytest.mark.parametrize(("architecture", "op"), [("sm_80", "bsconv"), ("sm_90", "esa_tail")])
def test_other_architectures_and_ops_keep_the_usual(on, architecture, op):
    on(architecture, HELD)

    assert configuration(op, torch.empty(1, 64, 2, 2), **USUAL) == USUAL


def test_the_cpu_has_no_architecture():
    assert _configuration.architecture(torch.device("cpu")) == ""


@pytest.mark.parametrize(
    ("hip", "name"), [(None, "sm_120"), ("6.4", "gfx942")], ids=["nvidia", "amd"]
)
def test_architectures_are_named_as_compilers_do(monkeypatch, hip, name):
    properties = type("Properties", (), {"gcnArchName": "gfx942:sramecc+:xnack-"})
    monkeypatch.setattr(torch.version, "hip", hip)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (12, 0))
    _configuration._name.cache_clear()

    found = _configuration.architecture(torch.device("cuda", 0))

    _configuration._name.cache_clear()
    assert found == name


def test_a_keyword_that_the_op_lacks_is_refused(on):
    on("sm_90", {"sm_90": {"bsconv": {"TILE": 16}}})

    with pytest.raises(ValueError, match=re.escape("may set ['BLOCK'] for bsconv, got ['TILE']")):
        configuration("bsconv", torch.empty(1, 64, 2, 2), BLOCK=32)


def test_the_shipped_file_names_only_ops_that_exist():
    held = {name.partition("/")[0] for ops in configurations().values() for name in ops}

    assert held <= set(sr_kernels.names())
