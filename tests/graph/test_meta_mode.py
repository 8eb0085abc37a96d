"""The mode that follows operations, and what it does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from napari_sr.graph.meta_mode import MetaMode


class Names(MetaMode):
    def __init__(self):
        super().__init__()
        self.all = []

    def follow(self, func, args, kwargs, result):
        self.all.append((str(func.overloadpacket), tuple(result.shape)))


def test_operations_and_their_results_are_followed():
    x = torch.empty(1, 2, 4, 4, device="meta")

    with torch.inference_mode(), Names() as names:
        y = torch.relu(x).cumsum(1)

    assert names.all == [("aten.relu", (1, 2, 4, 4)), ("aten.cumsum", (1, 2, 4, 4))]
    assert y.is_meta


def test_values_are_computed_on_other_devices():
    with Names() as names:
        y = torch.relu(torch.tensor([-1.0, 2.0]))

    assert y.tolist() == [0.0, 2.0]
    assert ("aten.relu", (2,)) in names.all


def test_a_mode_must_define_what_it_does():
    with pytest.raises(NotImplementedError, match="MetaMode must define follow"), MetaMode():
        torch.relu(torch.zeros(1))


CODE = """
import sys
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.models import architecture
import torch
before = set(sys.modules)
for name, shape in (("fsrcnn", (300, 200)), ("edsr", (300, 200, 3)), ("imdn", (300, 200, 3)),
                    ("bsrn", (300, 200, 3)), ("rfdn", (300, 200, 3))):
    record = architecture(name)
    plan = make_plan(layout_of(shape, "uint8"), record.network(**record.example),
                     Settings(device="cpu", tile=128))
    assert plan.count > 1
print(*sorted(set(sys.modules) - before))
"""


def test_a_plan_imports_neither_the_compiler_of_torch_nor_sympy():
    ended = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)

    names = ended.stdout.split()
    assert "napari_sr.models.bsrn" in names
    slow = {"torch._dynamo", "sympy", "torch.utils.flop_counter", "torch._inductor"}
    assert slow.isdisjoint(names)
