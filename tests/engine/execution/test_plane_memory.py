"""Memory of a feature plane: rows in order, and freed rows."""

from __future__ import annotations

import mmap
import sys

import pytest
import torch

from napari_sr.engine.execution.plane_memory import PlaneMemory


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_rows_are_contiguous_with_channels_last_and_share_memory(dtype):
    memory = PlaneMemory(3, 10, 7, dtype)

    memory.rows(slice(2, 5)).fill_(1)

    assert memory.rows(slice(0, 10)).shape == (1, 3, 10, 7)
    assert memory.rows(slice(4, 9)).is_contiguous(memory_format=torch.channels_last)
    rows = memory.rows(slice(0, 10)).float().amin(dim=(0, 1, 3))
    assert rows.tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes back rows")
def test_only_whole_pages_inside_the_freed_rows_lose_their_values():
    memory = PlaneMemory(1, 100, mmap.PAGESIZE // 8, torch.float32)  # two rows make a page
    memory.rows(slice(0, 100)).fill_(1)

    memory.give_back(slice(11, 41))

    lost = memory.rows(slice(0, 100))[0, 0, :, 0] == 0
    assert lost.nonzero().flatten().tolist() == [*range(12, 40)]


def test_a_plane_without_pixels_needs_no_memory():
    assert PlaneMemory(3, 0, 5, torch.float32).rows(slice(0, 0)).numel() == 0
