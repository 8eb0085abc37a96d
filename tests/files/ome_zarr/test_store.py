"""The store that blocks are written into."""

from __future__ import annotations

import asyncio
import os

import pytest
from zarr.core.buffer import default_buffer_prototype

from napari_sr.files.ome_zarr import store
from napari_sr.files.ome_zarr.store import BlockStore, SourceStore, sync_folders

PROTOTYPE = default_buffer_prototype()


def buffer(content):
    return PROTOTYPE.buffer.from_bytes(content)


def get(folder, key):
    found = asyncio.run(folder.get(key, PROTOTYPE))
    return None if found is None else found.to_bytes()


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("key", ["zarr.json", "0/zarr.json", "0/.zarray", ".zattrs", ".zgroup"])
def test_metadata_are_read(tmp_path, key):
    blocks = BlockStore(tmp_path)
    asyncio.run(blocks.set(key, buffer(b"{}")))

    assert get(blocks, key) == b"{}"
    assert blocks.get_sync(key).to_bytes() == b"{}"


@pytest.mark.parametrize("key", ["0/c/0/0", "0/3.1", "1/2/0"])
def test_chunks_are_written_and_never_read(tmp_path, key):
    blocks = BlockStore(tmp_path)
    asyncio.run(blocks.set(key, buffer(b"pixels")))

    assert (tmp_path / key).read_bytes() == b"pixels"
    assert get(blocks, key) is None
    assert blocks.get_sync(key) is None


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    blocks = BlockStore(tmp_path)
    blocks.set_sync("c/0", buffer(b"old"))

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        blocks.set_sync("c/0", buffer(b"new"))

    assert [(path.name, path.read_bytes()) for path in (tmp_path / "c").iterdir()] == [
        ("0", b"old")
    ]


def test_a_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("content"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("name"), replace(*names)))

    BlockStore(tmp_path).set_sync("c/0", buffer(b"pixels"))

    assert done == ["content", "name"]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot wait for folders")
def test_new_folders_are_synced_once_and_the_folder_of_a_file_always(tmp_path, monkeypatch):
    root = tmp_path / "image"
    files = [root / "0" / "c" / "5" / name for name in ("0", "1")]
    files[0].parent.mkdir(parents=True)
    synced, known = [], set()
    monkeypatch.setattr(store, "_sync_folder", synced.append)

    sync_folders(files, root, known)
    assert synced == [root, root / "0", root / "0" / "c", root / "0" / "c" / "5"]

    synced.clear()
    sync_folders([root / "0" / "c" / "6" / "0", files[0]], root, known)
    assert synced == [root / "0" / "c", root / "0" / "c" / "5", root / "0" / "c" / "6"]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot wait for folders")
def test_a_file_system_that_cannot_sync_folders_is_no_error(tmp_path, monkeypatch):
    def unable(handle):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unable)

    sync_folders([tmp_path / "0"], tmp_path, set())


@pytest.mark.needs("zarr")
def test_an_empty_file_of_a_source_is_an_error_and_a_missing_one_is_none(tmp_path):
    (tmp_path / "0").write_bytes(b"")
    source = SourceStore(tmp_path, read_only=True)

    for read in (lambda key: get(source, key), source.get_sync):
        assert read("1") is None
        with pytest.raises(OSError, match="0 is empty or ends early"):
            read("0")
