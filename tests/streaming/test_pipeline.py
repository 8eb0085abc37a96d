import threading
from dataclasses import replace

import numpy as np
import pytest
from fakes import Global, Nearest, finish

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.engine.planning.settings import Settings
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.streaming import run as module
from napari_sr.streaming.run import BlockRun, output_place, run_blocks, run_into

SETTINGS = Settings(device="cpu", engine="torch", tile=32)


def run_of(image, network, *, local=True, side=(32, 32)):
    layout = layout_of(image.shape, image.dtype, "ZYX")
    grid = usual_grid(layout, network, SETTINGS, side if local else None)
    reader = BlockReader(image, grid, network.receptive_field)
    return BlockRun(reader, network, SETTINGS, ValueRange(0, 1))


def test_one_pipeline_serves_blocks_of_all_sizes(random, monkeypatch):
    """So the last block of one size is written while the first of the next is computed."""
    made = []
    pipeline = module.Pipeline
    monkeypatch.setattr(module, "Pipeline", lambda *given: made.append(1) or pipeline(*given))
    image = random.random((2, 70, 50)).astype(np.float32)
    seen = []

    run = run_of(image, Nearest(radius=1))
    finish(run_blocks(run, range(12), lambda block, values: seen.append((block, values))))

    assert made == [1]
    assert len({block.extended.size for block, _ in seen}) > 1
    whole = finish(upscale_array(image, Nearest(radius=1), SETTINGS, axes="ZYX"))[1].pixels
    for block, values in seen:
        np.testing.assert_allclose(values, whole[block.plane][output_place(block, 2)], atol=1e-6)


def test_planes_of_a_global_network_are_written_in_parts(random, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))
    image = random.random((2, 100, 50)).astype(np.float32)
    result, parts = np.zeros((2, 200, 100), np.float32), []
    before = set(threading.enumerate())

    def write(block, values):
        parts.append(block)
        result[(*block.plane, *output_place(block, 2))] = values

    run = run_of(image, Global(), local=False)
    steps = run_blocks(run, range(2), write)
    shares = [(step.share, len(parts)) for step in steps]

    assert len(parts) == 2 * 4 * 2
    assert [part.number for part in parts if part.last] == [0, 1]
    assert any(count for share, count in shares if share < 0.5), "a plane was held until its end"
    whole = finish(upscale_array(image, Global(), SETTINGS, axes="ZYX"))[1].pixels
    np.testing.assert_allclose(result, whole, atol=1e-6)
    assert set(threading.enumerate()) <= before


def test_a_failed_write_of_a_part_ends_the_run(random, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))
    run = run_of(random.random((1, 100, 50)).astype(np.float32), Global(), local=False)

    def write(block, values):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        finish(run_blocks(run, [0], write))


@pytest.mark.parametrize("network", [FSRCNN(scale=2), Global()], ids=["blocks", "planes"])
def test_a_spread_is_written_like_its_result(network, random, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))
    image = random.random((2, 70, 50)).astype(np.float32)
    settings = replace(SETTINGS, ensemble=True, spread=True)
    local = network.receptive_field is not None
    run = replace(run_of(image, network.eval(), local=local), settings=settings)
    result, spread = np.zeros((2, 140, 100), np.float32), np.zeros((2, 140, 100), np.float32)

    finish(run_into(run, result, spread))

    whole = finish(upscale_array(image, network, settings, axes="ZYX"))[1]
    np.testing.assert_allclose(spread, whole.spread, atol=1e-5 * np.ptp(whole.pixels))
    np.testing.assert_allclose(result, whole.pixels, atol=1e-5 * np.ptp(whole.pixels))
    assert whole.spread.max() > 0
