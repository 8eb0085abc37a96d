"""The figures that every run records."""

from __future__ import annotations

import json

import dask.array
import numpy as np
import pytest

from napari_sr.consistency.figures import figures_of
from napari_sr.consistency.pair import pair_of
from napari_sr.evaluation.consistency import check


def figures(source, result, model=None, **options):
    return figures_of(pair_of(source, result, model, **options))


@pytest.mark.parametrize("shape", [(70, 90), (3, 50, 60), (40, 50, 3)])
def test_of_small_images_they_are_those_of_the_check(random, shape):
    axes = "YXS" if shape[-1] == 3 else "ZYX"[-len(shape) :]
    source = random.random(shape).astype(np.float32)
    at = axes.index("Y")
    result = source.repeat(2, at).repeat(2, at + 1) + 0.25

    found, checked = figures(source, result, axes=axes), check(source, result, axes=axes)

    assert found.pixels == found.of == source.size == checked.pixels
    assert found.rms == pytest.approx(checked.rms, rel=1e-12)
    assert found.p99 == pytest.approx(checked.p99, rel=1e-12)
    assert found.bias == pytest.approx(checked.bias, rel=1e-12)


@pytest.mark.parametrize("model", [None, "microscope"])
def test_alpha_is_left_out(random, model):
    source = random.random((40, 50, 4))
    result = random.random((80, 100, 4))

    found = figures(source, result, model, axes="YXS")

    assert found == figures(source[..., :3], result[..., :3], model, axes="YXS")
    assert found.pixels == found.of == 40 * 50 * 3


def test_of_large_images_they_are_close_to_those_of_the_check(random):
    source = random.normal(100, 5, (1400, 1600)).astype(np.float32)
    result = source.repeat(2, 0).repeat(2, 1) + random.normal(1, 4, (2800, 3200))

    found, checked = figures(source, result), check(source, result)

    assert found.pixels == 25 * 64**2 < found.of == source.size
    assert found.rms == pytest.approx(checked.rms, rel=0.02)
    assert found.p99 == pytest.approx(checked.p99, rel=0.02)
    assert found.bias == pytest.approx(checked.bias, abs=0.03)


def test_of_stored_images_few_windows_are_read_and_the_same_ones_each_time(random):
    source = random.random((1024, 1024)).astype(np.float32)
    result = source.repeat(2, 0).repeat(2, 1)
    lazy = [dask.array.from_array(one, chunks=256) for one in (source, result)]

    first, second = figures(*lazy), figures(*lazy)

    assert first == second
    assert first.pixels == 4 * 64**2
    assert first.pixels < figures(source, result).pixels


def test_the_entry_of_the_record_is_json_and_says_how_much_was_read(random):
    source = random.random((40, 50))

    found = figures(source, source.repeat(2, 0).repeat(2, 1), "microscope").record

    assert json.loads(json.dumps(found)) == found
    assert found["pixels"] == found["of"] == 2000
    assert found["shrunk"] == "blurred and binned"
    assert set(found) == {"rms", "p99", "bias", "pixels", "of", "shrunk", "blur"}


def test_the_sentence_has_the_three_figures():
    found = figures(np.full((30, 30), 7.0), np.full((60, 60), 9.5))

    assert found.in_words() == (
        "the shrunk result differs from the source by 2.5 (RMS), by at most 2.5 in 99 % of the "
        "pixels, and by +2.5 on average"
    )


@pytest.mark.parametrize("missing", [(slice(None), slice(None)), (30, 30)])
def test_missing_pixels_do_not_count(missing):
    source = np.ones((60, 60), np.float32)
    source[missing] = np.nan

    found = figures(source, source.repeat(2, 0).repeat(2, 1))

    assert (found is None) is bool(np.isnan(source).all())
    if found is not None:
        assert found.rms < 1e-6
        assert found.pixels == 3600 - 25
