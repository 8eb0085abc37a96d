import os
import subprocess
import sys

import pytest

from napari_sr.files.image import FileError
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.lock import Lock

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")


@pytest.fixture
def unfinished(tmp_path):
    Journal(tmp_path).begin({})
    return tmp_path


def test_a_result_is_written_by_one_command_at_a_time(unfinished):
    first, second, part = Lock(), Lock(), Lock(shared=True)
    first.take(unfinished)

    for other in (second, part):
        with pytest.raises(FileError, match=f"another process is writing {unfinished}: wait"):
            other.take(unfinished)
    first.release()
    second.take(unfinished)
    second.release()


def test_parts_share_a_result(unfinished):
    parts = [Lock(shared=True), Lock(shared=True)]
    for part in parts:
        part.take(unfinished)

    with pytest.raises(FileError, match="another process is writing"):
        Lock().take(unfinished)
    for part in parts:
        part.release()


def test_a_worker_that_outlives_its_command_keeps_the_lock(unfinished):
    lock = Lock()
    lock.take(unfinished)
    code = "import sys; sys.stdin.read()"
    worker = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, pass_fds=lock.handles
    )
    lock.release()

    with pytest.raises(FileError, match="another process is writing"):
        Lock().take(unfinished)
    worker.communicate(b"")
    after = Lock()
    after.take(unfinished)
    after.release()


def test_a_file_system_without_locks_will_do(unfinished, monkeypatch):
    def refuse(*_):
        raise OSError(95, "not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    first, second = Lock(), Lock()
    first.take(unfinished)
    second.take(unfinished)
    first.release()
    second.release()
