"""Blocks written to every level of an OME-Zarr image, in any order, by several processes."""

from __future__ import annotations

import multiprocessing
import os
import time

import numpy as np
import pytest
from zarr.storage import LocalStore

from napari_sr.atomic_write import FILE, private_name
from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr import store
from napari_sr.files.ome_zarr.area_mean import area_means
from napari_sr.files.ome_zarr.store import BlockStore
from napari_sr.files.ome_zarr.write import create, open_writer

pytestmark = pytest.mark.needs("zarr")

VERSIONS = ["0.5", "0.4"]
CASES = [
    ("YX", (300, 700), "uint16"),
    ("CYX", (2, 300, 700), "uint8"),
    ("ZCTYX", (2, 2, 1, 130, 270), "int16"),
    ("YXS", (300, 701, 3), "uint8"),
    ("TYXS", (2, 129, 300, 4), "float32"),
    ("YXT", (257, 258, 2), "float64"),
]


def made(random, shape, dtype):
    if np.dtype(dtype).kind != "f":
        return random.integers(0, np.iinfo(dtype).max, shape, dtype)
    pixels = random.normal(size=shape).astype(dtype)
    pixels[random.random(shape) < 0.3] = np.nan
    return pixels


def part_of(pixels, writer, plane, row, column):
    values = writer.layout.read(pixels, plane)
    return values[row : row + writer.block[0], column : column + writer.block[1]]


def write_all(pixels, writer, blocks=None):
    for block in writer.blocks() if blocks is None else blocks:
        writer.write(*block, part_of(pixels, writer, *block))


def stored_order(pixels, axes):
    named = axes.replace("S", "C")
    return pixels.transpose([named.index(letter) for letter in "TCZYX" if letter in named])


def files_below(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def relative(path):
    return {file.relative_to(path): content for file, content in files_below(path).items()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("axes", "shape", "dtype"), CASES)
def test_every_level_has_the_area_means_of_the_image(tmp_path, random, axes, shape, dtype, version):
    pixels = made(random, shape, dtype)
    layout = layout_of(shape, dtype, axes)
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256), version=version)

    write_all(pixels, writer)
    writer.finish()

    expected = stored_order(pixels, axes)
    np.testing.assert_array_equal(writer.levels[0][...], expected)
    assert len(writer.levels) > 1
    planes = np.moveaxis(expected, (-2, -1), (0, 1)).reshape(*expected.shape[-2:], -1)
    owned = 2  # 128 pixels, then 64
    for number, level in enumerate(area_means(planes, len(writer.levels) - 1), start=1):
        stored = np.moveaxis(writer.levels[number][...], (-2, -1), (0, 1))
        if number < owned:
            np.testing.assert_array_equal(stored.reshape(level.shape), level)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_file_is_read_and_each_is_written_once(tmp_path, random, monkeypatch, version):
    pixels = made(random, (300, 700), "uint16")
    layout = layout_of(pixels.shape, pixels.dtype, "YX")
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256), version=version)
    write_all(pixels, writer)  # so that there are files that could be read
    read, written = [], []
    write = BlockStore.set_sync
    for name in ("get", "get_sync"):
        monkeypatch.setattr(LocalStore, name, lambda self, key, *_, **__: read.append(key))

    def watched(self, key, value):
        written.append(key)
        write(self, key, value)

    monkeypatch.setattr(BlockStore, "set_sync", watched)
    write_all(pixels, writer)

    assert read == []
    assert len(written) == len(set(written)) > 0
    files = [file for block in writer.blocks() for file in writer.files_of(*block)]
    assert sorted(str(writer.path / key) for key in written) == sorted(map(str, files))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("axes", "shape", "dtype"), CASES)
def test_no_two_blocks_share_a_file(tmp_path, axes, shape, dtype, version):
    layout = layout_of(shape, dtype, axes)
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256), version=version)

    files = [file for block in writer.blocks() for file in writer.files_of(*block)]

    assert len(files) == len(set(files))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", [(128, 256), (300, 700, 3)], ids=str)
def test_a_black_block_leaves_the_files_that_it_names(tmp_path, shape, version):
    layout = layout_of(shape, "uint8", "YXS"[: len(shape)])
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256), version=version)
    blocks = list(writer.blocks())
    assert not any(writer.has(*block) for block in blocks)
    before = set(files_below(writer.path))

    for block in blocks:
        writer.write(*block, part_of(np.zeros(shape, np.uint8), writer, *block))

    assert all(writer.has(*block) for block in blocks)
    files = {file for block in blocks for file in writer.files_of(*block)}
    assert set(files_below(writer.path)) - before == files


@pytest.mark.parametrize("version", VERSIONS)
def test_a_block_written_twice_or_over_a_torn_file_gives_the_same_bytes(tmp_path, random, version):
    pixels = made(random, (300, 700), "uint16")
    layout = layout_of(pixels.shape, pixels.dtype, "YX")
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256), version=version)
    write_all(pixels, writer)
    before = files_below(writer.path)
    torn = writer.files_of((), 0, 256)[0]
    torn.write_bytes(before[torn][:100])

    write_all(pixels, open_writer(writer.path), reversed(list(writer.blocks())))

    assert files_below(writer.path) == before


def test_when_a_block_is_written_the_disk_has_its_files_and_their_names(
    tmp_path, random, monkeypatch
):
    pixels = made(random, (300, 700), "uint16")
    layout = layout_of(pixels.shape, pixels.dtype, "YX")
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256))
    synced = []
    monkeypatch.setattr(store, "sync_folders", lambda files, root, known: synced.extend(files))

    writer.write((), 128, 256, pixels[128:256, 256:512])

    assert synced == writer.files_of((), 128, 256)
    assert all(file.exists() for file in synced)


def _write_some(path, pixels, blocks):
    write_all(pixels, open_writer(path), blocks)


@pytest.mark.parametrize("version", VERSIONS)
def test_two_processes_write_what_one_writes(tmp_path, random, version):
    pixels = made(random, (300, 700), "uint16")
    layout = layout_of(pixels.shape, pixels.dtype, "YX")
    alone = create(tmp_path / "alone.zarr", layout, block=(128, 256), version=version)
    write_all(pixels, alone)
    alone.finish()
    together = create(tmp_path / "together.zarr", layout, block=(128, 256), version=version)
    blocks = list(together.blocks())

    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_write_some, args=(together.path, pixels, blocks[part::2]))
        for part in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    together.finish()

    assert [process.exitcode for process in processes] == [0, 0]
    assert relative(together.path) == relative(alone.path)


def _write_for_ever(path, pixels):
    while True:
        write_all(pixels, open_writer(path))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_killed_process_leaves_is_completed_to_the_same_files(tmp_path, random, version):
    pixels = made(random, (300, 700), "uint16")
    layout = layout_of(pixels.shape, pixels.dtype, "YX")
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256), version=version)
    process = multiprocessing.get_context("spawn").Process(
        target=_write_for_ever, args=(writer.path, pixels)
    )
    process.start()
    while process.is_alive() and not writer.has((), 0, 256):
        time.sleep(0.01)
    process.kill()
    process.join()

    left = {block for block in writer.blocks() if writer.has(*block)}
    write_all(pixels, writer, [block for block in writer.blocks() if block not in left])
    writer.finish()

    assert left
    alone = create(tmp_path / "alone.zarr", layout, block=(128, 256), version=version)
    write_all(pixels, alone)
    alone.finish()
    assert relative(writer.path) == relative(alone.path)


def test_an_unfinished_image_names_the_missing_blocks(tmp_path, random):
    pixels = made(random, (2, 300, 700), "uint16")
    layout = layout_of(pixels.shape, pixels.dtype, "TYX")
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256))
    blocks = list(writer.blocks())
    write_all(pixels, writer, blocks[:-2])

    with pytest.raises(FileError, match=r"lacks 2 blocks, the first at row 256, column 256 of pl"):
        writer.finish()

    assert writer.provenance["complete"] is False
    write_all(pixels, writer, blocks[-2:])
    writer.finish()
    assert writer.provenance["complete"] is True
    assert open_writer(writer.path).layout == layout


def test_files_of_ended_processes_are_removed_and_those_of_others_stay(tmp_path):
    writer = create(tmp_path / "a.zarr", layout_of((300, 700), "uint8", "YX"), block=(128, 256))
    folder = writer.path / "0" / "c" / "1"
    folder.mkdir(parents=True)
    ended = multiprocessing.get_context("spawn").Process(target=int)
    ended.start()
    ended.join()
    left, used = (folder / private_name(FILE, process) for process in (ended.pid, os.getpid()))
    used.write_bytes(b"")

    write_all(np.zeros((300, 700), np.uint8), writer)
    for remove in (writer.clean, writer.finish):
        left.write_bytes(b"")
        remove()
        assert not left.exists()
        assert used.exists()


def test_a_full_disk_is_one_sentence_and_a_later_try_succeeds(tmp_path, random, monkeypatch):
    pixels = made(random, (128, 256), "uint16")
    layout = layout_of(pixels.shape, pixels.dtype, "YX")
    writer = create(tmp_path / "a.zarr", layout, block=(128, 256))

    def full(self, key, value):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(BlockStore, "set_sync", full)
        with pytest.raises(FileError, match=r"a\.zarr could not be written: No space left on dev"):
            write_all(pixels, writer)
    assert not writer.has((), 0, 0)

    write_all(pixels, writer)

    np.testing.assert_array_equal(writer.levels[0][...], pixels)


@pytest.mark.parametrize(
    ("row", "column", "shape", "dtype", "message"),
    [
        (64, 0, (128, 256), "uint16", r"at multiples of \(128, 256\) .* got row 64, column 0"),
        (0, 0, (128, 255), "uint16", r"of shape \(128, 256\), got .* uint16 of \(128, 255\)"),
        (0, 0, (128, 256), "uint8", r"uint16 of shape \(128, 256\), .* uint8 of \(128, 256\)"),
        (256, 512, (128, 256), "uint16", r"of shape \(44, 188\), .* uint16 of \(128, 256\)"),
    ],
)
def test_what_is_no_block_is_refused(tmp_path, row, column, shape, dtype, message):
    writer = create(tmp_path / "a.zarr", layout_of((300, 700), "uint16", "YX"), block=(128, 256))

    with pytest.raises(ValueError, match=message):
        writer.write((), row, column, np.zeros(shape, dtype))
