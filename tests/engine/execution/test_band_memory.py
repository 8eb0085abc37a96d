"""Memory of bands: used again, never more than the bands in use took at some time."""

from __future__ import annotations

import pytest

from napari_sr.engine.execution import band_memory
from napari_sr.engine.execution.band_memory import BandMemory

SIZE = 4096


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_SCRATCH", str(tmp_path))


def where(block):
    return block.values.data_ptr()


@pytest.mark.parametrize("budget", [SIZE, 0], ids=["memory", "files"])
def test_a_block_is_used_again_for_a_band_of_its_size(budget):
    memory = BandMemory(budget)
    block = memory.take(SIZE)
    block.values.fill_(7)
    memory.give_back(block)

    again = memory.take(SIZE)

    assert where(again) == where(block)
    assert again.in_memory == bool(budget)


def test_a_block_in_use_is_not_given_twice():
    memory = BandMemory(4 * SIZE)
    blocks = [memory.take(SIZE) for _ in range(2)]
    memory.give_back(blocks[0])

    found = [memory.take(SIZE) for _ in range(2)]

    assert where(found[0]) == where(blocks[0])
    assert where(found[1]) not in {where(block) for block in blocks}


def test_bands_that_memory_has_no_room_for_are_in_files_until_it_has():
    memory = BandMemory(2 * SIZE)
    blocks = [memory.take(SIZE) for _ in range(3)]
    for block in blocks:
        memory.give_back(block)

    found = [memory.take(SIZE) for _ in range(3)]

    assert [block.in_memory for block in (*blocks, *found)] == [True, True, False] * 2
    assert {where(block) for block in found} == {where(block) for block in blocks}


def test_kept_blocks_make_room_for_a_band_of_another_size():
    memory = BandMemory(4 * SIZE)
    for block in [memory.take(SIZE) for _ in range(4)]:
        memory.give_back(block)

    larger = memory.take(3 * SIZE)
    last, beyond = memory.take(SIZE), memory.take(SIZE)

    assert larger.in_memory
    assert last.in_memory
    assert not beyond.in_memory


def test_no_more_is_released_than_a_band_needs():
    memory = BandMemory(16 * SIZE)
    blocks = [memory.take(SIZE) for _ in range(3)]
    for block in blocks:
        memory.give_back(block)

    memory.take(SIZE // 2)
    found = [memory.take(SIZE) for _ in range(2)]

    assert len({where(block) for block in (*blocks, *found)}) == 3


def test_closing_makes_room_again():
    memory = BandMemory(SIZE)
    memory.give_back(memory.take(SIZE))

    memory.close()

    assert memory.take(SIZE).in_memory


def test_a_band_goes_to_a_file_if_the_system_gives_no_memory(monkeypatch):
    memory = BandMemory(SIZE)

    def refuse(size):
        raise OSError(12, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr(band_memory, "_new_memory", refuse)
        assert not memory.take(SIZE).in_memory
    assert memory.take(SIZE).in_memory
