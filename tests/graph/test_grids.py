"""Operations on finer grids: the pixels they read, and where their chain is cut."""

from __future__ import annotations

import weakref
from fractions import Fraction

import pytest
import torch
from pieces import run_in_pieces
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT
from napari_sr.graph.grids import chain_of, operation, resized, same, transposed
from napari_sr.graph.run import run
from napari_sr.layers.resize import imresize

TAP = torch.ones(1, 1, 3, 3, dtype=torch.float64)


def spread(x):
    return functional.conv2d(x, TAP, padding=1)


def double(x):
    return functional.conv_transpose2d(x, TAP, stride=2)[..., :-1, :-1]


def add(x, y):
    return x + y


def read_by(compute, size, pixel):
    """Return the first and the last pixel of a row that one pixel of the result depends on."""
    image = torch.zeros(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    compute(image)[0, 0, pixel, pixel].backward()
    read = image.grad[0, 0].ne(0).any(dim=0).nonzero()[:, 0]
    return int(read[0]), int(read[-1])


@pytest.mark.parametrize(
    ("compute", "reach", "ratio"),
    [
        (spread, same(1), 1),
        (double, transposed(3, 2, 0), 2),
        (lambda x: functional.conv_transpose2d(x, TAP, stride=3), transposed(3, 3, 0), 3),
        *((lambda x, n=n: imresize(x, n), resized(n), n) for n in (2, 3, 4)),
        *(
            (lambda x, n=n: imresize(x, n), resized(n), n)
            for n in (Fraction(3, 4), Fraction(5, 8), Fraction(7, 8))
        ),
    ],
)
def test_reach_is_what_gradients_say(compute, reach, ratio):
    size, period = 24, ratio.numerator if isinstance(ratio, Fraction) else ratio
    middle = int(12 * ratio) // period * period

    for pixel in range(middle, middle + period):
        first, last = read_by(compute, size, pixel)

        stated = reach.of((pixel, pixel))
        # where a pixel coincides with an input pixel, the weights of the neighbours are zero
        centred = reach == resized(3) and pixel % 3 == 1
        assert (first - centred, last + centred) == stated


def deep(count):
    """Return operations: two doublings, each followed by convolutions."""
    operations, x, scale = [operation(spread, {IMAGE: same(1)}, "x", 1)], "x", 1
    for level in range(2):
        before, x, scale = x, f"up{level}", 2 * scale
        operations.append(operation(double, {before: transposed(3, 2, 0)}, x, scale))
        for number in range(count):
            before, x = x, f"x{level}.{number}"
            operations.append(operation(spread, {before: same(1)}, x, scale))
    operations.append(operation(spread, {x: same(1)}, RESULT, scale))
    return operations


def looked(operations, size=41):
    """Measure the radius of a chain of positive operations by setting a single pixel."""
    image = torch.zeros(1, 1, size, size, dtype=torch.float64)
    image[..., size // 2, size // 2] = 1
    result = run(chain_of(operations), image)[0, 0]
    touched = result.ne(0).any(dim=1).nonzero()[:, 0] // 4 - size // 2
    return int(touched.abs().max())


@pytest.mark.parametrize("count", [0, 1, 2, 5, 8])
def test_cuts_add_nothing_to_the_radius(count):
    operations = deep(count)
    chain = chain_of(operations)

    assert sum(step.radius for step in chain) == looked(operations)
    assert len(chain) > 1


def test_deep_grids_are_cut_often():
    # eight convolutions on each grid: 4 LR pixels on one, 2 on the other
    assert len(chain_of(deep(8))) >= 6


@pytest.mark.parametrize("tile", [5, 8])
def test_pieces_are_the_whole(tile):
    image = torch.rand(1, 1, 19, 23, dtype=torch.float64)
    chain = chain_of(deep(3))

    torch.testing.assert_close(run_in_pieces(chain, image, tile), run(chain, image))


def test_planes_of_two_grids_do_not_leave_one_step():
    # at the end of the doubling, later operations need planes on both grids
    operations = [
        operation(spread, {IMAGE: same(1)}, "x", 1),
        operation(double, {"x": transposed(3, 2, 0)}, "fine", 2),
        operation(spread, {"x": same(1)}, "coarse", 1),
        operation(double, {"coarse": transposed(3, 2, 0)}, "late", 2),
        operation(add, {"fine": same(), "late": same()}, RESULT, 2),
    ]

    chain = chain_of(operations)

    assert all(len({w[:4] for w in step.writes} & {"fine", "coar"}) < 2 for step in chain)
    image = torch.rand(1, 1, 9, 9, dtype=torch.float64)
    expected = double(spread(image)) + double(spread(spread(image)))
    torch.testing.assert_close(run(chain, image), expected)


def test_planes_are_dropped_when_no_later_operation_reads_them():
    earlier, still_there = [], []

    def watched(x):
        still_there.append(sum(ref() is not None for ref in earlier))
        earlier.append(weakref.ref(x))
        return spread(x)

    operations = [operation(double, {IMAGE: transposed(3, 2, 0)}, "x0", 2)]
    for number in range(1, 6):
        operations.append(operation(watched, {f"x{number - 1}": same(1)}, f"x{number}", 2))
    operations.append(operation(watched, {"x5": same(1)}, RESULT, 2))
    chain = chain_of(operations)

    run(chain, torch.rand(1, 1, 4, 4, dtype=torch.float64))

    assert len(earlier) > len(chain)
    # the inputs of a step stay in memory until it ends
    assert max(still_there) == 1
