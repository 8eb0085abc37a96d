"""A folder's journal knows the run that made each result, even after interruptions."""

from __future__ import annotations

import pytest

from napari_sr.files.folder_journal import journal_of, stamp_of
from napari_sr.files.image import FileError

RUN = {"settings": {"tile": None}}
KEY = {"source": {"size": 3}, **RUN}
OTHER = {"settings": {"tile": 64}}


def begin(out, *, write=False, done=False, run=RUN):
    """Do what a run does, up to a point at which it is killed."""
    with journal_of(out) as journal:
        journal.begin("a.tif", {"size": 3}, run)
        if write:
            (out / "new").write_bytes(str(run).encode())
            (out / "new").replace(out / "a.tif")
        if done:
            journal.done("a.tif")


def entry_of(out):
    with journal_of(out) as journal:
        return journal.entry("a.tif")


def made(out):
    return entry_of(out).made(stamp_of(out / "a.tif"))


def test_a_finished_result_is_known(tmp_path):
    begin(tmp_path, write=True, done=True)

    assert made(tmp_path) == KEY
    assert not entry_of(tmp_path).open
    with journal_of(tmp_path) as journal:
        assert journal.entry("b.tif") is None


def test_a_result_that_was_not_noted_any_more_is_known(tmp_path):
    begin(tmp_path, write=True)

    assert made(tmp_path) == KEY
    assert entry_of(tmp_path).open


def test_a_result_that_should_have_been_replaced_keeps_its_key(tmp_path):
    begin(tmp_path, write=True, done=True)
    begin(tmp_path, run=OTHER)
    assert made(tmp_path) == KEY
    begin(tmp_path, run=OTHER)
    assert made(tmp_path) == KEY

    begin(tmp_path, write=True, run=OTHER)
    assert made(tmp_path) == {"source": {"size": 3}, **OTHER}


def test_a_begun_result_that_is_removed_is_nobodys(tmp_path):
    begin(tmp_path, write=True, done=True)
    (tmp_path / "a.tif").unlink()
    begin(tmp_path)

    assert entry_of(tmp_path).done is None
    assert stamp_of(tmp_path / "a.tif") is None


@pytest.mark.parametrize("cut", [2, 3, 30])
def test_a_line_that_was_cut_off_does_not_count(tmp_path, cut):
    begin(tmp_path, write=True, done=True)
    begin(tmp_path, run=OTHER, write=True)
    file = tmp_path / ".napari-sr" / "results.jsonl"
    file.write_bytes(file.read_bytes()[:-cut])

    assert entry_of(tmp_path).begun == KEY
    begin(tmp_path, run=OTHER, done=True)  # goes on in a new line
    assert made(tmp_path) == {"source": {"size": 3}, **OTHER}


def test_what_results_share_is_written_once(tmp_path):
    for _ in range(3):
        begin(tmp_path)

    lines = (tmp_path / ".napari-sr" / "results.jsonl").read_text().splitlines()
    assert len([line for line in lines if '"is"' in line]) == 1
    assert len(lines) == 4


def test_two_runs_cannot_write_into_one_folder(tmp_path):
    with (
        journal_of(tmp_path),
        pytest.raises(FileError, match=f"another run writes into {tmp_path}"),
        journal_of(tmp_path),
    ):
        pass
    with journal_of(tmp_path):
        pass
