"""Files for intermediate results: on a disk, without names, with clear errors."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from napari_sr.engine.execution import scratch as module
from napari_sr.engine.planning.devices import OutOfMemoryError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(module.FOLDER, str(tmp_path))
    return tmp_path


def test_a_file_has_no_name_and_keeps_what_is_written(folder):
    mapped = module.mapped_file(1000, "features")
    mapped[:] = 7

    assert list(folder.iterdir()) == []
    assert mapped.shape == (1000,)
    assert (mapped == 7).all()


def test_a_full_disk_is_reported_with_the_folder_before_anything_is_written(monkeypatch, folder):
    monkeypatch.setattr(module, "LEFT_FREE", 2**60)

    with pytest.raises(OutOfMemoryError, match=f"features fit neither into memory nor .*{folder}"):
        module.mapped_file(10, "features")


def test_a_disk_that_fills_up_meanwhile_is_reported_with_the_variable(monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "posix_fallocate", full, raising=False)

    with pytest.raises(OutOfMemoryError, match=r"NAPARI_SR_SCRATCH .* \(No space left"):
        module.mapped_file(10, "features")


def test_a_wrong_scratch_folder_is_reported_with_its_variable(folder, monkeypatch):
    a_file = folder / "file"
    a_file.write_bytes(b"")

    for wrong in (folder / "missing", a_file):
        monkeypatch.setenv(module.FOLDER, str(wrong))
        with pytest.raises(ValueError, match=rf"results in '{wrong}', which NAPARI_SR_SCRATCH"):
            module.check_scratch_folder()


def test_a_scratch_folder_that_cannot_be_written_is_reported(monkeypatch):
    def refuses(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.tempfile, "TemporaryFile", refuses)

    with pytest.raises(ValueError, match=r"NAPARI_SR_SCRATCH is set to \(Permission denied\)"):
        module.check_scratch_folder()


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ({"/": "ext4", "/tmp": "tmpfs"}, "/var/tmp"),
        ({"/": "ext4", "/tmp": "ext4"}, "/tmp"),
        ({"/": "tmpfs"}, "/tmp"),
        ({"/": "ext4", "/tmp": "tmpfs", "/var": "tmpfs"}, "/tmp"),
        ({"/": "tmpfs", "/tmp": "tmpfs", "/var/tmp": "ext4"}, "/var/tmp"),
        ({}, "/tmp"),
    ],
    ids=str,
)
def test_files_are_on_a_disk_if_the_temporary_folder_is_in_memory(mounts, expected, monkeypatch):
    monkeypatch.delenv(module.FOLDER)
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: "/tmp")
    monkeypatch.setattr(module.sys, "platform", "linux")
    found = [SimpleNamespace(mountpoint=at, fstype=kind) for at, kind in mounts.items()]
    monkeypatch.setattr(module.psutil, "disk_partitions", lambda all: found)
    monkeypatch.setattr(module.os, "access", lambda path, mode: path == "/var/tmp")

    assert module._usual_folder() == expected
