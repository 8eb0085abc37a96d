"""Running a chain as one piece."""

from __future__ import annotations

import gc
import weakref

import torch

from napari_sr.graph.chain import (
    IMAGE,
    RESULT,
    ChunkedAttention,
    GlobalStats,
    PooledGrid,
    Step,
    Window,
    receptive_field,
)
from napari_sr.graph.run import run, run_steps


def copy(name, *reads, radius=0):
    return Step(lambda *planes: sum(planes), reads, (name,), radius)


def test_step_may_write_several_planes_and_replace_one():
    chain = (
        Step(lambda image: (image + 1, image + 2), (IMAGE,), ("a", "b")),
        Step(lambda a, b: a * b, ("a", "b"), ("a",)),
        copy(RESULT, "a"),
    )

    result = run(chain, torch.full((1, 1, 2, 2), 3.0))

    assert result.unique().item() == 20


def test_values_follow_planes_and_the_window_comes_last():
    seen = []

    def compute(plane, mean, window):
        seen.append(window)
        return plane - mean

    chain = (
        GlobalStats(IMAGE, "mean", lambda mean, deviations, pixels: mean),
        Step(compute, (IMAGE,), (RESULT,), uses=("mean",), placed=True),
    )

    result = run(chain, torch.arange(6.0).reshape(1, 1, 2, 3))

    assert result.mean() == 0
    assert seen == [Window(0, 0, 2, 3, 2, 3)]


def test_cells_are_computed_then_finished():
    chain = (
        PooledGrid(
            IMAGE, "low", lambda plane: plane[..., ::2, ::2], 2, 1, lambda cells: cells.sum()
        ),
        Step(lambda image, low: image * 0 + low, (IMAGE,), (RESULT,), uses=("low",)),
    )

    result = run(chain, torch.ones(1, 1, 5, 5))

    assert result.unique().item() == 9


def test_each_pixel_attends_to_its_whole_chunk():
    def compute(looking, seen):
        return looking + sum(some.sum(dim=2, keepdim=True) for some in seen)

    chain = (
        Step(lambda image: (100 * image, image), (IMAGE,), ("queries", "keys")),
        ChunkedAttention(("queries", "keys"), RESULT, lambda pixels: pixels // 3, compute),
    )

    result = run(chain, torch.arange(10.0).reshape(1, 1, 2, 5))

    # three chunks of three pixels, and one of the remaining pixel
    assert result.flatten().tolist() == [3, 103, 203, 312, 412, 512, 621, 721, 821, 909]
    assert receptive_field(chain) is None


def test_steps_take_given_planes_and_return_wanted_planes():
    steps = (copy("a", "x", radius=1), copy("b", "a", "y"), copy("c", "b"))
    x, y = torch.ones(1, 1, 2, 2), torch.full((1, 1, 2, 2), 5.0)

    c, a = run_steps(steps, {"x": x, "y": y}, ("c", "a"))

    assert (a.unique().item(), c.unique().item()) == (1, 6)


def test_plane_is_dropped_when_no_later_link_reads_it():
    alive = {}

    def first(image):
        plane = image + 1
        alive["plane"] = weakref.ref(plane)
        return plane

    def last(x):
        gc.collect()
        alive["at the end"] = alive["plane"]() is not None
        return x

    chain = (
        Step(first, (IMAGE,), ("plane",)),
        Step(lambda plane: plane * 2, ("plane",), ("x",)),
        Step(last, ("x",), (RESULT,)),
    )

    run(chain, torch.zeros(1, 1, 2, 2))

    assert alive["at the end"] is False


def variance_of(plane):
    """Return the mean and the variance that a chain gathers from a plane."""
    chain = (
        GlobalStats(IMAGE, "mean", lambda mean, deviations, pixels: mean),
        GlobalStats(IMAGE, "variance", lambda mean, deviations, pixels: deviations / pixels),
        Step(lambda *values: torch.stack(values), (), (RESULT,), uses=("mean", "variance")),
    )
    return run(chain, plane)


def test_moments_do_not_cancel_far_from_zero():
    torch.manual_seed(0)
    plane = torch.rand(2, 3, 40, 50, dtype=torch.float64)

    mean, variance = variance_of((plane + 1000).float())

    torch.testing.assert_close(mean.double(), plane.mean((2, 3), True) + 1000, rtol=1e-6, atol=0)
    exact = plane.var((2, 3), correction=0, keepdim=True)
    # float32 represents values near 1000 to within 3e-5
    torch.testing.assert_close(variance.double(), exact, rtol=0, atol=1e-4)


def test_moments_of_half_precision_are_gathered_in_float32():
    mean, variance = variance_of(torch.ones(1, 1, 300, 300, dtype=torch.float16))

    assert mean.dtype == variance.dtype == torch.float32
    assert (mean.item(), variance.item()) == (1, 0)


def test_moments_that_a_step_returns_are_not_gathered_again():
    told = torch.full((1, 1, 1, 1), 5.0)
    chain = (
        Step(lambda image: (image + 1, told, 2 * told), (IMAGE,), ("x",), moments=True),
        GlobalStats("x", "sum", lambda mean, deviations, pixels: mean + deviations + pixels),
        Step(lambda x, total: x + total, ("x",), (RESULT,), uses=("sum",)),
    )

    result = run(chain, torch.ones(1, 1, 2, 3))

    assert result.unique().item() == 2 + 5 + 10 + 6


def test_a_value_that_a_step_returns_after_the_moments_is_used():
    told = torch.full((1, 1, 1, 1), 5.0)
    chain = (
        Step(lambda image: (image + 1, told, told, 3 * told), (IMAGE,), ("x",), moments=True),
        GlobalStats("x", "value", lambda mean, deviations, pixels: mean),
        Step(lambda x, value: x + value, ("x",), (RESULT,), uses=("value",)),
    )

    result = run(chain, torch.ones(1, 1, 2, 3))

    assert result.unique().item() == 2 + 15
