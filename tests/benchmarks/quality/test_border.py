"""A network's error at the border is compared with its error in the middle."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr import load, upscale


def test_a_border_is_measured_against_the_middle(benchmark):
    border = benchmark("quality/border")

    off, reach = border.measure("fsrcnn-x4", 0.0)

    assert (f"{off:.1f}", reach) == ("9.5", 3)  # as docs/tiling.md says
    assert border.measure("bicubic-x2", 1.0)[1] == 0


def test_reflected_pixels_take_the_border_away(benchmark):
    border = benchmark("quality/border")

    off, reach = border.measure("fsrcnn-x4", 0.0, "reflect")

    assert (f"{off:.1f}", reach) == ("0.0", 0)  # as docs/tiling.md says


def test_the_outermost_part_is_compared(benchmark, random):
    border = benchmark("quality/border")
    network, lr = load("bicubic-x2"), random.random((30, 34))
    hr = upscale(lr, network, axes="YX").clip(0, 1)
    hr[:8] += 0.1  # 8 of 60 rows, all in the ring of 8 pixels

    found = border.ring_psnr(network, lr, hr, "zeros")

    share = 8 * 68 / (60 * 68 - 44 * 52)
    assert found == pytest.approx(-10 * np.log10(0.01 * share), abs=1e-3)
    hr[20, 30] = 9  # inside the ring
    assert border.ring_psnr(network, lr, hr, "zeros") == found
