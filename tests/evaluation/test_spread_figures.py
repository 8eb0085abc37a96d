"""The measured figures: those of the benchmark's table, and a sentence on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_sr.evaluation.spread_figures import FILE, TOLD, ranks_in_words, spread_figures
from napari_sr.zoo.registry import entries

TABLE = Path(__file__).parents[2] / "benchmarks" / "quality" / "uncertainty.md"
NOT_MEASURED: set[str] = set()
"""Shipped models whose spread the benchmark has not measured yet."""
MODELS = json.loads(FILE.read_text())["models"]


@pytest.mark.parametrize("model", MODELS)
def test_each_figure_is_a_row_of_the_benchmark_s_table(model):
    rows = TABLE.read_text().splitlines()

    for kind, one in MODELS[model].items():
        start = f"| {kind} | {model} | {one['spearman']:.2f} | {one['ause']:.2f} | "
        assert [row for row in rows if row.startswith(start)], start


def test_measured_models_are_known_and_shipped_ones_of_scale_2_are_measured():
    known = {entry.name: entry for entry in entries()}
    shipped = {
        name
        for name, one in known.items()
        if one.url is None and not one.computed and one.scale == 2
    }

    assert set(MODELS) <= set(known)
    assert shipped - NOT_MEASURED <= set(MODELS)
    assert not NOT_MEASURED & set(MODELS)


def test_the_sentence_names_the_figures():
    told = ranks_in_words("fsrcnn-x2")

    for kind in TOLD:
        assert f"{spread_figures('fsrcnn-x2')[kind]['spearman']:.2f} on {kind}" in told


def test_a_model_that_was_not_measured_has_no_figure():
    assert spread_figures("mine") == {}
    assert ranks_in_words("mine").endswith("was not measured")
