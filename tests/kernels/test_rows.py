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


@pytest.mark.parametrize(
    ("height", "beside", "band"),
    [
        (10, 1, 4),  # too small to keep all busy
        (80, 20, 8),
        (180, 10, 9),
        (5000, 100, 32),
    ],
)
def test_the_busiest_processor_has_least_to_do(processors, height, beside, band):
    assert rows_per_band(height, beside, CPU) == band


def test_other_bands_may_be_chosen(processors):
    assert rows_per_band(28, 7, CPU, range(1, 9), 4 / 3) == 1
    assert rows_per_band(341, 43, CPU, range(1, 9), 4 / 3) > 4


def test_one_processor_stands_for_a_machine_without_a_gpu():
    assert rows_per_band(40, 1, CPU) == 20
