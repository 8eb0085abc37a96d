"""Steps of processing as descriptions list them."""

from __future__ import annotations

import pytest
from bioimage_packages import steps

from napari_sr.graph.processing_steps import (
    Binarize,
    Clip,
    Convert,
    Linear,
    ScaleRange,
    Sigmoid,
    Standardise,
)
from napari_sr.zoo.bioimage.steps import Frame, steps_of
from napari_sr.zoo.limits import RefusedError

NAMED = {"batch": "b", "channel": "c", "y": "y", "x": "x"}
SHORT = {letter: letter for letter in "bcyx"}
RGB = Frame(NAMED, 3)


@pytest.mark.parametrize(
    ("name", "kwargs", "step"),
    [
        ("scale_linear", {"gain": 2, "offset": -1.5}, Linear(2.0, -1.5)),
        (
            "scale_linear",
            {"axis": "channel", "gain": [1, 2, 3], "offset": [0.5]},
            Linear((1.0, 2.0, 3.0), 0.5),
        ),
        ("zero_mean_unit_variance", {}, Standardise((0, 1, 2), 1e-6)),
        (
            "zero_mean_unit_variance",
            {"axes": ["batch", "y", "x"], "eps": 0.01},
            Standardise((0, 1), 0.01),
        ),
        (
            "fixed_zero_mean_unit_variance",
            {"axis": "channel", "mean": [1, 2, 3], "std": [4, 5, 6]},
            Standardise((0, 1), 1e-6, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
        ),
        (
            "scale_range",
            {"axes": ["channel", "y", "x"], "min_percentile": 3, "max_percentile": 99.8},
            ScaleRange(3.0, 99.8),
        ),
        ("clip", {"min": 0.0, "max": None}, Clip(0.0, None)),
        ("clip", {"max_percentile": 99}, Clip(None, None, (None, 99.0))),
        ("binarize", {"threshold": 0.5}, Binarize(0.5)),
        ("ensure_dtype", {"dtype": "uint8"}, Convert("uint8")),
        ("sigmoid", {}, Sigmoid()),
    ],
)
def test_known_steps_become_ours(name, kwargs, step):
    assert steps_of(steps((name, kwargs)), RGB) == (step,)


def test_the_older_format_has_names_and_letters():
    listed = [
        {"name": "scale_range", "kwargs": {"mode": "per_sample", "axes": "xy"}},
        {
            "name": "zero_mean_unit_variance",
            "kwargs": {"mode": "fixed", "axes": "xy", "mean": [1, 2, 3], "std": [2, 2, 2]},
        },
        {"name": "sigmoid"},
    ]

    assert steps_of(listed, Frame(SHORT, 3)) == (
        ScaleRange(0.0, 100.0, (0, 1)),
        Standardise((0, 1), 1e-6, (1.0, 2.0, 3.0), (2.0, 2.0, 2.0)),
        Sigmoid(),
    )


@pytest.mark.parametrize(
    ("name", "kwargs", "words"),
    [
        ("blur", {}, "needs the preprocessing 'blur', which napari-sr does not know"),
        ("custom", {"source": "evil.py"}, "custom, which is a program of its author"),
        ("scale_range", {"reference_tensor": "other"}, "with reference_tensor='other'"),
        ("scale_range", {"min_percentile": 99, "max_percentile": 1}, "percentiles 99 and 1"),
        ("clip", {"min_percentile": 101}, "percentiles 101.0"),
        ("zero_mean_unit_variance", {"axes": ["channel"]}, "not over whole planes"),
        ("zero_mean_unit_variance", {"axes": ["y", "x", "z"]}, "wrong arguments"),
        ("zero_mean_unit_variance", {"eps": 3}, "wrong arguments"),
        ("scale_linear", {"gain": [1, 2]}, "wrong arguments"),
        ("scale_linear", {"gain": [1, 2, 3], "axis": "y"}, "wrong arguments"),
        ("scale_linear", {"gain": float("nan")}, "wrong arguments"),
        ("scale_linear", {"gain": True}, "wrong arguments"),
        ("ensure_dtype", {"dtype": "object"}, "converts pixels to 'object'"),
        ("ensure_dtype", {}, "wrong arguments"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(name, kwargs, words):
    with pytest.raises(RefusedError, match=words):
        steps_of(steps((name, kwargs)), RGB)


@pytest.mark.parametrize("name", ["zero_mean_unit_variance", "scale_range"])
def test_statistics_of_the_result_are_refused(name):
    with pytest.raises(RefusedError, match=f"{name}, which needs values of the whole result"):
        steps_of(steps((name, {})), Frame(NAMED, 1, result=True))


def test_a_list_of_steps_must_be_one():
    assert steps_of(None, RGB) == ()
    for listed in ("sigmoid", {"id": "sigmoid"}, [3], [{"id": ["x"]}]):
        with pytest.raises(RefusedError):
            steps_of(listed, RGB)
