"""The templates in CONTRIBUTING work as they are."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
import torch

from napari_sr.graph.cost import parameters
from napari_sr.zoo.recognition import recognise

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
NETWORK, TEST = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def xnet(monkeypatch):
    """Return the template's module, which the package finds by its name."""
    module = types.ModuleType("napari_sr.models.xnet")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(NETWORK, "xnet.py", "exec"), vars(module))
    return module


def test_the_test_passes_for_the_network(xnet):
    test: dict[str, object] = {}
    exec(compile(TEST, "test_xnet.py", "exec"), test)
    record = xnet.ARCHITECTURE

    test["test_the_result_is_that_of_two_convolutions"](
        lambda name: record.network(**record.example)
    )


def test_its_options_are_read_off_its_tensors_and_no_other_network_fits(xnet):
    record = xnet.ARCHITECTURE
    state = record.network(**record.example).state_dict()

    assert record.options_of(state) == record.example
    with pytest.raises(ValueError, match="matches none"):
        recognise(state)


def test_a_pixel_depends_on_its_radius(xnet):
    network = xnet.XNet(scale=2, features=4)
    image = torch.rand(1, 3, 9, 9)
    other = image.clone()
    other[..., 4, 4] += 1

    changed = (network(image) != network(other)).any(1)[0].nonzero() // 2

    assert (changed - 4).abs().max() == network.receptive_field


def test_its_row_states_its_number_of_parameters(xnet):
    row = re.search(r'\("xnet", \{\}, \(2,\), ([\d_]+), ', TEXT)

    assert int(row[1].replace("_", "")) == parameters(xnet.XNet(scale=2))
