"""Stages of small networks, for tests of segments and of engines."""

from __future__ import annotations

import torch

from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.models import architecture


def example(name, **options):
    """Return the example of an architecture with weights of one seed."""
    torch.manual_seed(0)
    record = architecture(name)
    return record.network(**{**record.example, **options}).eval()


def stages_of(network, tile, side, flops_per_byte=4000.0):
    """Return the stages for tiles of a colour image, side by side."""
    found = profile_of(network, 3, torch.float32)
    grid = TileGrid(side, side, tile, network.tile_alignment)
    return Stages(found.chain, found.profile, grid, flops_per_byte=flops_per_byte)
