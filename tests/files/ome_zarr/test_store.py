"""The store that blocks are written into."""

from __future__ import annotations

import asyncio
import os

import pytest
from zarr.core.buffer import default_buffer_prototype

from napari_sr.files.ome_zarr.store import BlockStore, SourceStore, sync_folders

PROTOTYPE = default_buffer_prototype()


def buffer(content):
    return PROTOTYPE.buffer.from_bytes(content)


def get(store, key):
    found = asyncio.run(store.get(key, PROTOTYPE))
    return None if found is None else found.to_bytes()


@pytest.mark.parametrize("key", ["zarr.json", "0/zarr.json", "0/.zarray", ".zattrs", ".zgroup"])
def test_metadata_are_read(tmp_path, key):
    store = BlockStore(tmp_path)
    asyncio.run(store.set(key, buffer(b"{}")))

    assert get(store, key) == b"{}"
    assert store.get_sync(key).to_bytes() == b"{}"


@pytest.mark.parametrize("key", ["0/c/0/0", "0/3.1", "1/2/0"])
def test_chunks_are_written_and_never_read(tmp_path, key):
    store = BlockStore(tmp_path)
    asyncio.run(store.set(key, buffer(b"pixels")))

    assert (tmp_path / key).read_bytes() == b"pixels"
    assert get(store, key) is None
    assert store.get_sync(key) is None


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    store = BlockStore(tmp_path)
    store.set_sync("c/0", buffer(b"old"))

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.set_sync("c/0", buffer(b"new"))

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
def test_every_folder_down_to_the_file_is_synced_once(tmp_path, monkeypatch):
    files = [tmp_path / "image" / "0" / "c" / name for name in ("0", "1")]
    files[0].parent.mkdir(parents=True)
    synced = []

    def fsync(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}") if os.path.isdir("/proc") else "")

    monkeypatch.setattr(os, "fsync", fsync)
    sync_folders(files, tmp_path / "image")

    folders = [tmp_path / "image" / "0" / "c", tmp_path / "image" / "0", tmp_path / "image"]
    assert len(synced) == 3
    if os.path.isdir("/proc"):
        assert synced == [str(folder) for folder in folders]


def test_an_empty_file_of_a_source_is_an_error_and_a_missing_one_is_none(tmp_path):
    (tmp_path / "0").write_bytes(b"")
    source = SourceStore(tmp_path, read_only=True)

    for read in (lambda key: get(source, key), source.get_sync):
        assert read("1") is None
        with pytest.raises(OSError, match="0 is empty or ends early"):
            read("0")
