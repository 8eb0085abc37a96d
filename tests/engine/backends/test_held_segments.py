"""Which segments keep their memory while others run."""

from __future__ import annotations

import pytest

from napari_sr.engine.backends import held_segments
from napari_sr.engine.backends.held_segments import HeldSegments


class Segment:
    """Counts how often its memory is freed."""

    freed = 0

    def free(self):
        self.freed += 1


@pytest.fixture
def later(monkeypatch):
    """Return the names of the segments that are freed later."""
    names = []
    monkeypatch.setattr(held_segments.KEPT, "use", lambda name: None)
    monkeypatch.setattr(held_segments.KEPT, "free_later", lambda name, free: names.append(name))
    return names


def test_small_segments_keep_their_memory_until_the_run_ends(later):
    held, segments = HeldSegments(), [Segment() for _ in range(3)]

    for number in (0, 0, 1, 2, 0, 1, 2):
        held.use(str(number), segments[number], 1000)

    assert [one.freed for one in segments] == [0, 0, 0]
    held.free_later()
    assert ([one.freed for one in segments], later) == ([1, 1, 0], ["2"])
    held.free_later()
    held.free()
    assert ([one.freed for one in segments], later) == ([1, 1, 0], ["2"])


def test_a_large_segment_frees_its_memory_for_the_next(later):
    held, large, small = HeldSegments(), Segment(), Segment()

    for _ in range(2):
        held.use("large", large, held_segments.SMALL + 1)
        held.use("large", large, held_segments.SMALL + 1)
        held.use("small", small, held_segments.SMALL)

    assert (large.freed, small.freed) == (2, 0)
    held.free()
    assert (large.freed, small.freed, later) == (2, 1, [])


def test_only_so_much_is_held_the_latest_longest(later):
    held, segments = HeldSegments(), [Segment() for _ in range(9)]

    for number, one in enumerate(segments):
        held.use(str(number), one, held_segments.SMALL)

    most = held_segments.MOST_HELD // held_segments.SMALL
    assert [one.freed for one in segments] == [1] * (8 - most) + [0] * (most + 1)
