"""How many rows a program takes; what slides over them is tested with each op."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import _rows
from sr_kernels._rows import rows_per_band

CPU = torch.device("cpu")


@pytest.fixture
def processors(monkeypatch):
    monkeypatch.setattr(_rows, "_processors", lambda device: 100)


@pytest.mark.parametrize(("rows", "band"), [(10, 4), (4000, 10), (1_000_000, 32)])
def test_bands_are_as_long_as_all_processors_stay_busy(processors, rows, band):
    assert rows_per_band(rows, CPU) == band


def test_one_processor_stands_for_a_machine_without_a_gpu():
    assert rows_per_band(40, CPU) == 10
