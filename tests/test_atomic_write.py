"""A file is written whole or not at all, under a name that nobody foretells, and only its own."""

from __future__ import annotations

import errno
import os
import stat
import sys

import pytest

from napari_sr import atomic_write as module
from napari_sr.atomic_write import atomic_write

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and links are POSIX's")


@pytest.fixture
def umask():
    """Let new files be readable for the group, as a user might have set it."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_what_is_finished_takes_the_place(tmp_path):
    with atomic_write(tmp_path / "a.tif") as file:
        file.write(b"whole")

    assert (tmp_path / "a.tif").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("stop", [KeyError, KeyboardInterrupt, GeneratorExit])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, stop):
    (tmp_path / "a.tif").write_text("old")

    with pytest.raises(stop), atomic_write(tmp_path / "a.tif") as file:
        file.write(b"half")
        raise stop

    assert (tmp_path / "a.tif").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("name", ["a" * 255, "\u00fc" * 127 + "a"], ids=["ASCII", "UTF-8"])
def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path, name):
    with atomic_write(tmp_path / name) as file:
        file.write(b"whole")

    assert os.listdir(tmp_path) == [name]


def test_two_writes_into_one_place_do_not_meet(tmp_path):
    with atomic_write(tmp_path / "a") as first, atomic_write(tmp_path / "a") as second:
        first.write(b"1")
        second.write(b"22")

    assert (tmp_path / "a").read_bytes() == b"1"
    assert os.listdir(tmp_path) == ["a"]


@posix
def test_a_link_under_the_unfinished_name_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "foretold").symlink_to("precious")
    monkeypatch.setattr(module, "private_name", lambda kind: "foretold")

    with pytest.raises(FileExistsError), atomic_write(tmp_path / "a") as file:
        file.write(b"mine")

    assert (tmp_path / "precious").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["foretold", "precious"]


@posix
def test_a_file_that_was_exchanged_does_not_take_the_place(tmp_path):
    (tmp_path / "precious").write_text("precious")

    def write():
        with atomic_write(tmp_path / "a") as file:
            file.write(b"mine")
            (unfinished,) = tmp_path.glob(".napari-sr-*")
            unfinished.unlink()
            unfinished.symlink_to("precious")

    with pytest.raises(OSError, match="another program replaced"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@posix
def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.tif").write_text("old")
    (tmp_path / "link.tif").symlink_to("far/a.tif")

    with atomic_write(tmp_path / "link.tif") as file:
        file.write(b"new")

    assert os.readlink(tmp_path / "link.tif") == "far/a.tif"
    assert (tmp_path / "far" / "a.tif").read_text() == "new"


@posix
@pytest.mark.usefixtures("umask")
def test_permissions_are_those_of_a_new_file_or_of_the_one_replaced(tmp_path):
    (tmp_path / "private").touch(0o600)

    for name in ("new", "private"):
        with atomic_write(tmp_path / name):
            pass

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"new": 0o640, "private": 0o600}


def test_a_full_disk_is_told_with_the_name_of_the_result(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left") as told, atomic_write(tmp_path / "a"):
        pass

    assert told.value.filename == str(tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_a_file_system_that_cannot_sync_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)

    with atomic_write(tmp_path / "a") as file:
        file.write(b"whole")

    assert (tmp_path / "a").read_bytes() == b"whole"


def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path, gone):
    (tmp_path / module.private_name(module.FILE, gone)).touch()
    folder = tmp_path / module.private_name(module.FOLDER, gone)
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "zarr.json").touch()

    with atomic_write(tmp_path / "a"):
        pass

    assert os.listdir(tmp_path) == ["a"]


def test_what_may_be_in_use_or_of_others_stays(tmp_path, gone, monkeypatch):
    of_a_living_process = module.private_name(module.FILE, os.getppid())
    its_folder = module.private_name(module.FOLDER, os.getppid())
    dead = module.private_name(module.FILE, gone)
    of_another_machine = dead.replace(module._machine(), "0" * 16)
    of_another_program = f".cells.tif.{gone}.part"
    a_folder = module.private_name(module.FILE, gone)
    a_file = module.private_name(module.FOLDER, gone)
    folders, files = {its_folder, a_folder}, {of_a_living_process, of_another_machine, a_file}
    stays = {*folders, *files, of_another_program}
    for name in stays - folders:
        (tmp_path / name).touch()
    for name in folders:
        (tmp_path / name).mkdir()

    module.remove_leftovers(tmp_path)

    assert set(os.listdir(tmp_path)) == stays


@posix
def test_what_another_user_left_stays(tmp_path, gone, monkeypatch):
    name = module.private_name(module.FILE, gone)
    (tmp_path / name).touch()
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / name).stat().st_uid + 1)

    module.remove_leftovers(tmp_path)

    assert os.listdir(tmp_path) == [name]


def test_names_tell_machine_and_process_and_cannot_be_foretold():
    first, second = (module.private_name(module.FILE, 7) for _ in range(2))

    assert first != second
    found = module._NAME.fullmatch(first)
    assert (found["machine"], found["process"]) == (module._machine(), "7")
