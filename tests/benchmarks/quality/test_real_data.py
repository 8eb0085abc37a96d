"""The page on real microscopy: held-out images only, and the best figure of a row in bold."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def real(benchmark):
    return benchmark("quality/real_data")


def enlarged(image):
    return np.kron(np.asarray(image, np.float64), np.ones((2, 2)))


def test_no_set_was_used_for_training(real, benchmark):
    uses = benchmark("quality/training_images").USES

    for one in real.sets():
        assert all(
            use.held_out for name, index, use in uses if (name, index) == (one.name, one.index)
        )
    assert {one.name for one in real.sets()} == set(real.HELD_OUT)


def test_the_best_mean_is_bold(real):
    scores = [{"first": 20.0, "second": 30.0}, {"first": 21.0, "second": 28.0}]

    assert real._means(scores) == ["20.50", "**29.00**"]


def test_rows_for_electron_microscopy_have_a_figure_for_each_method(real, monkeypatch):
    monkeypatch.setattr(real, "EM_SIDE", 24)
    image = np.random.default_rng(0).random((256, 256))

    rows = real.electron(image, 2, {"bicubic": enlarged})
    noisy = real.halved(image, 2, {"bicubic": enlarged})

    assert [row[0][:15] for row in rows] == ["pixels of 16 nm"] * 2 + ["pixels of 32 nm"] * 2
    assert "32 nm, noisy truth" in noisy[0]
    assert all(len(row) == 3 for row in [*rows, noisy])  # with deconvolution


def test_without_a_truth_a_result_equal_to_its_source_changes_nothing(real):
    image = np.random.default_rng(0).normal(100, 5, (96, 96))

    (plain, _) = real.without_truth(image, {"bicubic": enlarged})

    name, _, rsp, change = plain
    assert (name, change) == ("bicubic", "0.00")
    assert float(rsp) > 0.9
