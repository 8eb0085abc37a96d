"""Running a chain as one piece."""

from __future__ import annotations

import gc
import weakref

import torch

from napari_sr.models._chain import (
    IMAGE,
    RESULT,
    Cells,
    Moments,
    Step,
    Window,
    moments,
    receptive_field,
    run,
)


def copy(name, *reads, radius=0):
    return Step(lambda *planes: sum(planes), reads, (name,), radius)


def test_radii_of_steps_add_up():
    chain = (copy("x", IMAGE, radius=2), copy(RESULT, "x", radius=5))

    assert receptive_field(chain) == 7


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
        Moments(IMAGE, "mean", lambda mean, variance: mean),
        Step(compute, (IMAGE,), (RESULT,), uses=("mean",), placed=True),
    )

    result = run(chain, torch.arange(6.0).reshape(1, 1, 2, 3))

    assert result.mean() == 0
    assert seen == [Window(0, 0, 2, 3, 2, 3)]


def test_cells_are_computed_then_finished():
    chain = (
        Cells(IMAGE, "low", lambda plane: plane[..., ::2, ::2], 2, 1, lambda cells: cells.sum()),
        Step(lambda image, low: image * 0 + low, (IMAGE,), (RESULT,), uses=("low",)),
    )

    result = run(chain, torch.ones(1, 1, 5, 5))

    assert result.unique().item() == 9


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


def test_moments_do_not_cancel_far_from_zero():
    torch.manual_seed(0)
    plane = torch.rand(2, 3, 40, 50, dtype=torch.float64)

    mean, variance = moments((plane + 1000).float())

    torch.testing.assert_close(mean.double(), plane.mean((2, 3), True) + 1000, rtol=1e-6, atol=0)
    exact = plane.var((2, 3), correction=0, keepdim=True)
    # values near 1000 are known to 3e-5 in float32
    torch.testing.assert_close(variance.double(), exact, rtol=0, atol=1e-4)


def test_moments_of_half_precision_are_gathered_in_float32():
    mean, variance = moments(torch.ones(1, 1, 300, 300, dtype=torch.float16))

    assert mean.dtype == variance.dtype == torch.float32
    assert (mean.item(), variance.item()) == (1, 0)
