"""The settings of a training run refuse impossible values."""

from __future__ import annotations

import pytest

from napari_sr.training.component import ComponentSpec
from napari_sr.training.config import Config, Data, Initialisation, Run, Term


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Data(0, 1), "crop must be at least 1, got 0"),
        (lambda: Data(8, 1, folders=()), "folders must be at least one folder"),
        (lambda: Data(8, 1, synthetic=-1), "synthetic must be at least 0, got -1"),
        (lambda: Data(8, 1, recorded=("a", "b")), r"one for each of 1 folders, got \('a', 'b'\)"),
        (lambda: Data(8, 1, recorded=("a",), sizes=(0.5,)), r"sizes must be omitted .* \(0.5,\)"),
        (
            lambda: Data(8, 1, recorded=("a",), synthetic=3),
            "synthetic must be omitted if recorded is given, got 3",
        ),
        (lambda: Term("l1", weight=0), "weight must be above 0, got 0"),
        (lambda: Term("l1", since=0.5, until=0.5), r"0 <= since < until <= 1, got \(0.5, 0.5\)"),
        (lambda: Initialisation("checkpoint"), r"given if, and only if, kind is 'checkpoint', got"),
        (
            lambda: Config(
                2, ComponentSpec("fsrcnn"), Data(8, 1), (Term("l1", since=0.5),), Run(2)
            ),
            r"every step needs a loss, got none after 0.0% of all steps",
        ),
        (lambda: Run(0), "steps must be at least 1, got 0"),
        (lambda: Run(10**10), "steps must be at most 1000000000, got 10000000000"),
        (lambda: Run(1, seed=1 << 63), "seed must be at most"),
        (lambda: Data(10**9, 1), "crop must be at most 16384, got 1000000000"),
        (lambda: Data(8, 10**9), "batch must be at most 65536, got 1000000000"),
        (lambda: Data(8, 1, synthetic=10**10), "synthetic must be at most"),
        (lambda: Data(8, 1, sizes=()), r"sizes must be above 0 to 64, got \(\)"),
        (lambda: Data(8, 1, sizes=(1.0, -0.5)), r"sizes must be above 0 .*-0\.5"),
        (lambda: Data(8, 1, sizes=(float("nan"),)), r"sizes must be above 0 .*nan"),
        (lambda: Data(8, 1, value_range=(1.0, 1.0)), r"value_range must be finite, .*\(1\.0, 1"),
        (lambda: Data(8, 1, value_range=(0.0, float("inf"))), "value_range must be finite"),
        (lambda: Data(8, 1, value_range=(float("nan"), 1.0)), "value_range must be finite"),
        (lambda: Term("l1", weight=float("inf")), "weight must be above 0, got inf"),
        (lambda: Term("l1", weight=float("nan")), "weight must be above 0, got nan"),
        (
            lambda: Config(3000, ComponentSpec("fsrcnn"), Data(8, 1), (Term("l1"),), Run(2)),
            "scale must be at most 64, got 3000",
        ),
        (lambda: Run(1, ema=1.0), "ema must be from 0 to below 1, got 1.0"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()
