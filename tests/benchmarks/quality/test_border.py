"""A network's error at the border is compared with its error in the middle."""

from __future__ import annotations


def test_a_border_is_measured_against_the_middle(benchmark):
    border = benchmark("quality/border")

    off, reach = border.measure("fsrcnn-x4", 0.0)

    assert (f"{off:.1f}", reach) == ("9.5", 3)  # as docs/tiling.md says
    assert border.measure("bicubic-x2", 1.0)[1] == 0
