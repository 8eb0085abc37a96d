"""All compilers have the same interface."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from napari_sr.engine.backends import compilers
from napari_sr.engine.backends.compilers import COMPILERS, Compiler, installed, largest_error
from napari_sr.runs.run import drive


@pytest.mark.parametrize("name", COMPILERS)
def test_a_compiler_offers_what_trials_need(name):
    compiler = COMPILERS[name]

    for needed, method in inspect.getmembers(Compiler, inspect.isfunction):
        if not needed.startswith("_"):
            _, *wanted = inspect.signature(method).parameters
            assert list(inspect.signature(getattr(compiler, needed)).parameters) == wanted
    assert "float32" in compiler.PRECISIONS
    assert all(suffix.startswith(".") for suffix in compiler.SUFFIXES)


def test_only_compilers_with_a_version_are_installed(monkeypatch):
    for name, compiler in COMPILERS.items():
        monkeypatch.setattr(compiler, "version", lambda name=name: "1" * (name == "onnxruntime"))

    assert compilers.installed() == ["onnxruntime"]


def test_an_error_is_a_share_of_the_largest_value():
    wanted = torch.tensor([0.0, 200.0])

    assert largest_error([wanted + 1], [wanted]) == pytest.approx(1 / 200)
    assert largest_error([wanted * torch.nan], [wanted]) == float("inf")
    assert largest_error([], []) == 0


@pytest.mark.parametrize("name", installed())
def test_a_function_comes_back_from_its_files(tmp_path, name):
    engine = COMPILERS[name]
    x, y = torch.rand(1, 2, 5, 7), torch.rand(1, 2, 5, 7)
    engine.convert(lambda x, y: (x + 2 * y, x - y), (x, y), tmp_path / "one")

    compute = engine.load(tmp_path / "one", "float32", None).start()
    total, difference = compute([x, y])

    np.testing.assert_allclose(total, x + 2 * y, rtol=1e-6)
    np.testing.assert_allclose(difference, x - y, rtol=1e-5, atol=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {f"one{one}" for one in engine.SUFFIXES}


@pytest.mark.parametrize("name", installed())
def test_results_stay_when_other_memory_is_freed(tmp_path, name):
    engine = COMPILERS[name]
    weights, x = torch.rand(8, 8, 3, 3), torch.rand(1, 8, 60, 70)
    twice = lambda x: (conv2d(conv2d(x, weights, padding=1), weights, padding=1),)  # noqa: E731
    engine.convert(twice, (x,), tmp_path / "one")
    compute = engine.load(tmp_path / "one", "float32", None).start()
    (result,) = drive(compute.steps([x], 0.0))
    expected = result.clone()

    compute.free()

    assert torch.equal(result, expected)
    assert torch.equal(drive(compute.steps([x], 0.0))[0], expected)


@pytest.mark.parametrize("name", installed())
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_planes_may_have_any_layout(tmp_path, name, layout):
    engine = COMPILERS[name]
    plane, value = torch.rand(1, 6, 5, 7).contiguous(memory_format=layout), torch.rand(1, 6, 1, 1)
    engine.convert(lambda x, y: (x[:, :3] * y[:, :3], y + 1), (plane, value), tmp_path / "one")

    compute = engine.load(tmp_path / "one", "float32", None).start()
    product, larger = compute([plane, value])

    torch.testing.assert_close(product, plane[:, :3] * value[:, :3])
    torch.testing.assert_close(larger, value + 1)


@pytest.mark.parametrize("name", installed())
def test_in_steps_the_result_is_the_same_and_can_be_given_up(tmp_path, monkeypatch, name):
    engine = COMPILERS[name]
    monkeypatch.setattr(engine, "POLL", 1e-3)
    weights, x = torch.rand(16, 16, 3, 3), torch.rand(1, 16, 600, 640)  # long enough for two polls

    def many(x):
        for _ in range(9):
            x = torch.nn.functional.conv2d(x, weights, padding=1) / 100
        return (x,)

    engine.convert(many, (x,), tmp_path / "one")
    compute = engine.load(tmp_path / "one", "float32", None).start()
    expected = [each.clone() for each in compute([x])]

    given_up = compute.steps([-x], 10.0)
    shares = [next(given_up), next(given_up)]
    given_up.close()
    (result,) = drive(compute.steps([x], 0.0))

    assert 0 < shares[0] < shares[1] < 1
    torch.testing.assert_close(result, expected[0], rtol=0, atol=0)


@pytest.mark.parametrize("name", installed())
def test_two_starts_have_results_of_their_own(tmp_path, name):
    engine = COMPILERS[name]
    x = torch.rand(1, 1, 4, 4)
    engine.convert(lambda x: (x * 2,), (x,), tmp_path / "one")
    model = engine.load(tmp_path / "one", "float32", None)
    first, second = model.start(), model.start()

    (kept,) = first([x])
    second([-x])

    np.testing.assert_array_equal(kept, 2 * x)
