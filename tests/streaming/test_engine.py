from dataclasses import replace

import numpy as np
import pytest
from fakes import Nearest

from napari_sr.engine.backends import library, openvino
from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.planning.block_size import make_grid
from napari_sr.engine.planning.settings import ENGINE_VARIABLE, Settings
from napari_sr.runs.run import drive
from napari_sr.streaming import engine as module
from napari_sr.streaming.engine import fixed_settings
from napari_sr.streaming.report import Report
from napari_sr.streaming.run import BlockRun, run_blocks


@pytest.fixture
def run():
    image = np.zeros((200, 200), np.uint8)
    network = Nearest(radius=2)
    grid = make_grid(layout_of(image.shape, image.dtype), network, local=True, side=(100, 100))
    settings = Settings(device="cpu")
    return BlockRun(BlockReader(image, grid, 2), network, settings, ValueRange(0, 255))


@pytest.fixture
def asked(monkeypatch):
    """Blocks that were computed to find the fastest engine, which is then OpenVINO."""
    blocks = []

    def computed(run, numbers, write):
        blocks.append((run.settings.engine, list(numbers)))
        yield from ()
        return Report(engine="openvino")

    monkeypatch.setattr(module, "run_blocks", computed)
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    return blocks


def test_a_long_run_takes_the_engine_that_wins_on_the_first_block(run, asked, monkeypatch):
    monkeypatch.setattr(module, "measure_speed", lambda network, settings: 1.0)

    fixed = fixed_settings(run)

    assert fixed.settings.engine == "openvino"
    assert asked == [("auto", [0])]
    assert fixed.settings.tile > 0


def test_a_short_run_waits_for_nothing(run, asked, monkeypatch):
    monkeypatch.setattr(module, "measure_speed", lambda network, settings: 1e9)

    assert fixed_settings(run).settings.engine == "torch"
    assert asked == []


def test_a_chosen_engine_stays(run, asked, monkeypatch):
    chosen = replace(run, settings=Settings(device="cpu", engine="torch"))
    assert fixed_settings(chosen).settings.engine == "torch"

    monkeypatch.setenv(ENGINE_VARIABLE, "torch")
    assert fixed_settings(run).settings.engine == "torch"
    assert asked == []


def test_a_chosen_tile_stays(run, asked):
    chosen = replace(run, settings=Settings(device="cpu", engine="torch", tile=40))

    assert fixed_settings(chosen).settings.tile == 40


@pytest.mark.skipif(not openvino.version(), reason="needs OpenVINO")
def test_an_engine_computes_all_tiles_and_gives_the_same_bits_again(example, tmp_path, monkeypatch):
    y, x = np.indices((64, 128))
    image = (np.sin(y / 9) * np.cos(x / 7) / 2 + 0.5).astype(np.float32)
    network = example("fsrcnn", channels=1)
    grid = make_grid(layout_of(image.shape, image.dtype), network, local=True, side=(64, 64))
    settings = Settings(device="cpu", engine="openvino")
    reader = BlockReader(image, grid, network.receptive_field)
    run = BlockRun(reader, network, settings, ValueRange(0, 1))

    def result(folder, numbers):
        monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path / folder))
        parts = {}
        report = drive(
            run_blocks(run, numbers, lambda block, part: parts.update({block.number: part}))
        )
        return report, parts

    first, parts = result("a", range(grid.count))
    again, some = result("b", [1])

    assert first.engine == again.engine == "openvino"
    assert first.engines == again.engines == ["openvino"]  # also the first tile of the process
    for number, part in some.items():
        np.testing.assert_array_equal(part, parts[number])
