"""Growth at every count is a leak; one jump, scatter and napari's own growth are none."""

from __future__ import annotations

import pytest


@pytest.fixture
def trend(benchmark):
    return benchmark("quality/leak_trend")


@pytest.fixture
def leaks(trend):
    """Return a function that judges the later half of some numbers."""

    def judge(name, numbers, control=()):
        counts = [{}] * len(numbers) + [{name: float(number)} for number in numbers]
        before = [{}] * len(control) + [{name: float(number)} for number in control]
        return trend.leaks(trend.trends(counts), trend.trends(before))

    return judge


def scattered(random, size, count=20):
    return 1000 + size * random.standard_normal(count)


def test_scatter_and_one_jump_are_no_leak(leaks, random):
    numbers = scattered(random, 3)
    jump = numbers.copy()
    jump[10:] += 60

    assert leaks("resident, MiB", numbers) == []
    assert leaks("resident, MiB", jump) == []


def test_growth_at_every_count_is_a_leak(leaks, random):
    grown = scattered(random, 3) + [3 * at for at in range(20)]

    assert leaks("resident, MiB", grown) == ["resident, MiB"]
    assert leaks("heap, MiB", grown) == ["heap, MiB"]


def test_one_object_more_in_every_second_count_is_a_leak(leaks):
    name = "napari_sr.widgets.upscale.form.UpscaleWidget"

    assert leaks(name, [1 + at // 2 for at in range(20)]) == [name]
    assert leaks(name, [1, 2, 1, 1, 3, 1, 2, 1, 1, 2] * 2) == []


def test_what_napari_leaks_by_itself_is_not_counted(leaks, random):
    numbers = [100 + 2 * at for at in range(20)]

    assert leaks("vispy.node.Node", numbers, control=numbers) == []
    assert leaks("vispy.node.Node", [2 * one for one in numbers], control=numbers) != []


def test_the_warm_half_is_left_out(trend):
    counts = [{"threads": float(min(at, 10))} for at in range(20)]

    assert trend.trends(counts) == {}
