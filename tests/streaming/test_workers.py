import os
import signal
import sys

import numpy as np
import pytest
import zarr
from blocks import image_of, request_of, run, tiff_of

from napari_sr.files.image import FileError
from napari_sr.runs.run import drive
from napari_sr.streaming import workers
from napari_sr.streaming.result import finish, missing, start
from napari_sr.streaming.workers import batches, part_of, run_workers

pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture
def source(tmp_path):
    return tiff_of(tmp_path / "in.tif", image_of())


def pixels(path):
    return zarr.open_group(path, mode="r")["0"][:]


@pytest.mark.parametrize(("count", "by"), [(1, 3), (5, 2), (100, 2), (1000, 7)])
def test_batches_hold_every_block_once_and_are_short(count, by):
    lists = batches(range(3, 3 + count), by)

    assert [number for one in lists for number in one] == list(range(3, 3 + count))
    assert max(map(len, lists)) <= 8


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_parts_are_disjoint_and_complete_and_do_not_move(count):
    parts = [part_of(range(23), (index, count), 23) for index in range(1, count + 1)]

    assert sorted(number for part in parts for number in part) == list(range(23))
    later = [part_of([4, 5, 22], (index, count), 23) for index in range(1, count + 1)]
    for part, some in zip(parts, later, strict=True):
        assert set(some) <= set(part)


@pytest.mark.needs("zarr")
def test_two_workers_give_the_bits_of_one_although_one_is_killed(source, tmp_path):
    run(request_of(source, tmp_path / "one.zarr"))
    request = request_of(source, tmp_path / "two.zarr")
    start(request)
    steps = run_workers(request.result, missing(request.result), 2)
    killed, messages = False, []

    for step in steps:
        messages.append(step.message)
        if not killed:
            (worker, *_) = steps.gi_frame.f_locals["pool"].running
            os.kill(worker.process.pid, signal.SIGKILL)
            killed = True
    finish(request.result)

    assert any("a worker was lost (exit code -9)" in message for message in messages)
    np.testing.assert_array_equal(pixels(tmp_path / "two.zarr"), pixels(tmp_path / "one.zarr"))


@pytest.mark.needs("zarr")
def test_an_error_in_a_worker_ends_the_run_with_its_message(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr")
    start(request)
    numbers = missing(request.result)
    source.unlink()

    with pytest.raises(FileError, match=r"in\.tif"):
        drive(run_workers(request.result, numbers, 1))


@pytest.mark.needs("zarr")
def test_workers_that_die_again_and_again_end_the_run(source, tmp_path, monkeypatch):

    monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    request = request_of(source, tmp_path / "out.zarr")
    start(request)

    with pytest.raises(FileError, match=r"4 workers were lost, the last one with exit code 3"):
        drive(run_workers(request.result, missing(request.result), 1))


@pytest.mark.needs("zarr")
def test_closing_a_run_ends_its_workers_and_ctrl_c_in_a_terminal_does_not(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr")
    start(request)
    steps = run_workers(request.result, missing(request.result), 1)
    next(steps)
    running = [worker.process for worker in steps.gi_frame.f_locals["pool"].running]
    if hasattr(os, "getpgid"):  # a terminal's Ctrl-C goes to the processes of one group
        groups = {os.getpgid(process.pid) for process in running}
        assert os.getpgid(0) not in groups

    steps.close()

    assert running
    assert all(process.poll() is not None for process in running)


def test_a_worker_that_is_lost_between_its_blocks_is_replaced(source, tmp_path, monkeypatch):
    """It answers that a list is done, and ends before it reports and takes the next one."""
    code = """
import json, sys
from pathlib import Path
numbers = json.loads(sys.stdin.readline())
for number in numbers:
    print(json.dumps({"done": number}), flush=True)
sys.stdout.write('{"rep')
"""
    monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(workers, "TOGETHER", 1)
    monkeypatch.setattr(workers, "LOSSES", 99)
    steps = list(run_workers(tmp_path, range(3), 1))

    assert steps[-1].done == 3
    assert sum("a worker was lost" in step.message for step in steps) == 2
