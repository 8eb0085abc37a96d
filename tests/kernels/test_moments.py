"""How the moments of parts become those of a plane."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import _moments
from sr_kernels._moments import merge, new_parts

HEIGHT, WIDTH, ROWS, COLUMNS = 7, 13, 3, 5


@pytest.fixture
def planes(device):
    torch.manual_seed(0)
    return torch.randn(2, 3, HEIGHT, WIDTH, device=device) + 5


def parts_of(planes, pivots):
    """Return the parts' pivots, means from there on, and sums of squared deviations."""
    tiles = [
        tile.flatten(2) for rows in planes.split(ROWS, dim=2) for tile in rows.split(COLUMNS, dim=3)
    ]
    parts = new_parts(*planes.shape[:2], len(tiles), planes.device)
    for index, tile in enumerate(tiles):
        pivot, mean = pivots[index % len(pivots)], tile.mean(2)
        parts[0, :, :, index] = pivot
        parts[1, :, :, index] = mean - pivot
        parts[2, :, :, index] = (tile - mean[:, :, None]).square().sum(2)
    return parts


@pytest.mark.parametrize("pivots", [(0.0,), (5.0, 4.0, 7.0)], ids=str)
@pytest.mark.parametrize("together", [2, 4, 1024])
def test_parts_of_unequal_size_make_the_plane(planes, together, pivots, monkeypatch):
    monkeypatch.setattr(_moments, "MOST", together)

    mean, m2 = merge(parts_of(planes, pivots), (HEIGHT, WIDTH), (ROWS, COLUMNS))

    variance, expected = torch.var_mean(planes.double(), dim=(2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(mean.double(), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(m2.double(), variance * HEIGHT * WIDTH, rtol=2e-6, atol=0)


def test_one_part_is_the_plane(planes):
    parts = torch.tensor([1000.0, 0.25, 7.0], device=planes.device).reshape(3, 1, 1, 1)

    mean, m2 = merge(parts, (4, 5), (4, 8))

    assert (mean.item(), m2.item()) == (1000.25, 7)
