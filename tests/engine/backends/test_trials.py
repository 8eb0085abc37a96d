"""The processes that try segments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from napari_sr.engine.backends import library
from napari_sr.engine.backends import trials as module
from napari_sr.engine.backends.library import Verdict
from napari_sr.engine.backends.trials import Trials


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def instead(monkeypatch, code):
    """Let trials run this code instead of the real process."""
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda _, **options: popen([sys.executable, "-c", code], **options)
    )


def test_a_process_that_crashes_is_a_verdict_on_what_it_was_trying():
    library.write_verdict("first", Verdict(True))
    trials = Trials()

    trials.submit(b"no job at all", ["first", "second", "third"])

    assert trials.wait(60)
    assert library.verdict_of("first").right
    assert "ended with code 1" in library.verdict_of("second").why
    assert library.verdict_of("third") is None


@pytest.mark.skipif(sys.platform == "win32", reason="processes have no signals there")
@pytest.mark.parametrize(
    ("number", "judged"), [(signal.SIGSEGV, True), (signal.SIGKILL, False), (signal.SIGINT, False)]
)
def test_only_a_crash_is_a_verdict_and_not_what_a_user_or_a_full_memory_ends(
    monkeypatch, number, judged
):
    code = f"import os; os.kill(os.getpid(), {int(number)})"
    instead(monkeypatch, code)
    trials = Trials()

    trials.submit(b"", ["one"])

    assert trials.wait(30)
    assert (library.verdict_of("one") is not None) == judged


def test_a_trial_that_took_too_long_is_repeated_on_another_day(monkeypatch, folder):
    monkeypatch.setattr(module, "MOST_SECONDS_EACH", 0.0)  # as if the computer was busy
    instead(monkeypatch, "raise SystemExit(1)")
    trials = Trials()

    trials.submit(b"no job at all", ["one"])

    assert trials.wait(60)
    assert "took more than" in library.verdict_of("one").why
    yesterday = time.time() - library.LATE - 60
    os.utime(folder / "one.json", (yesterday, yesterday))
    assert library.verdict_of("one") is None


@pytest.mark.skipif(sys.platform == "win32", reason="processes have no sessions there")
def test_ctrl_c_in_a_terminal_does_not_reach_a_trial(monkeypatch, tmp_path):
    code = f"import os; open({str(tmp_path / 'group')!r}, 'w').write(str(os.getpgrp()))"
    instead(monkeypatch, code)
    trials = Trials()

    trials.submit(b"", ["one"])

    assert trials.wait(30)
    assert int((tmp_path / "group").read_text()) != os.getpgrp()


def test_a_process_that_cannot_start_leaves_the_next_one_alone(monkeypatch):
    trials = Trials()
    with monkeypatch.context() as patch:
        patch.setattr(module, "COMMAND", ("/there is no such program",))
        trials.submit(b"no job at all", ["one"])
        assert trials.wait(30)
    instead(monkeypatch, "raise SystemExit(1)")

    trials.submit(b"no job at all", ["two"])

    assert trials.wait(30)
    assert library.verdict_of("one") is None
    assert "ended with code 1" in library.verdict_of("two").why


def test_only_so_many_jobs_wait(monkeypatch):
    trials = Trials()
    monkeypatch.setattr(trials, "_do", lambda content, names: time.sleep(0.2))
    found = [trials.full]
    for _ in range(module.MOST_WAITING):
        trials.submit(b"", [])

    found.append(trials.full)
    trials.wait(30)

    assert [*found, trials.full] == [False, True, False]


def test_after_the_end_no_process_is_started():
    trials = Trials()
    trials.stop()

    trials.submit(b"no job at all", ["one"])

    assert trials.wait(10)
    assert library.verdict_of("one") is None


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
def test_a_process_that_has_its_job_outlives_the_command(monkeypatch, tmp_path):
    file = str(tmp_path / "job")
    code = f"import sys, time; time.sleep(1); open({file!r}, 'w').write(sys.stdin.read())"
    instead(monkeypatch, code)
    trials = Trials()
    trials.submit(b"what to do", ["one"])
    while trials._process is None:
        time.sleep(0.01)

    trials.stop()

    assert trials._process.poll() is None
    assert trials.wait(30)
    assert (tmp_path / "job").read_text() == "what to do"


def test_an_application_that_contains_python_is_not_started_again(monkeypatch):
    monkeypatch.setattr(module, "CAN_START", False)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    trials = Trials()

    trials.submit(b"job", ["one"])

    assert trials.wait(10)


def test_files_in_the_current_folder_are_not_imported(tmp_path):
    (tmp_path / "statistics.py").write_text("raise SystemExit(3)")
    python = module.COMMAND[: module.COMMAND.index("-m")]

    done = subprocess.run([*python, "-c", "import statistics"], cwd=tmp_path, check=False)

    assert done.returncode == 0
