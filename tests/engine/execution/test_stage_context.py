"""What a tiled run holds."""

from __future__ import annotations

import pytest
import torch

from napari_sr.engine.execution.feature_store import Features
from napari_sr.engine.execution.stage_context import StageContext, UntrustedError
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.chain import IMAGE


def context(image):
    height, width = image.shape[-2:]
    features = Features(height, width, budget=2**20, channels_last=False)
    features.make("x", 1, 1, torch.float32)

    def read(rows, columns):
        return image[..., rows, columns]

    return StageContext(None, (), torch.device("cpu"), read, read, features, float32=True)


def test_a_border_is_right_at_the_image_s_own_edge_only():
    part = Region(slice(0, 20), slice(10, 30))

    assert part.without(4, 50, 30) == Region(slice(0, 16), slice(14, 30))


def test_a_part_within_another_counts_from_there():
    inner, outer = Region(slice(12, 20), slice(16, 30)), Region(slice(10, 24), slice(10, 30))

    assert inner.within(outer, 2) == (slice(4, 20), slice(12, 40))
    assert inner.lies_in(outer)
    assert not outer.lies_in(inner)
    assert inner.size == (8, 14)


def test_parts_come_from_the_image_or_from_what_waits():
    image = torch.arange(30.0).reshape(1, 1, 5, 6)
    held, part = context(image), Region(slice(1, 3), slice(2, 6))

    held.keep("x", part, -image[..., 1:3, 2:6])

    torch.testing.assert_close(held.part("x", part), -held.part(IMAGE, part))


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_nothing_waits_that_is_not_finite(wrong):
    held = context(torch.zeros(1, 1, 5, 6))
    values = torch.tensor([[[[0.0, wrong]]]])

    with pytest.raises(UntrustedError, match=r"x has NaN or infinity in slice\(0, 1"):
        held.keep("x", Region(slice(0, 1), slice(0, 2)), values)

    assert held.features.bands == 0
