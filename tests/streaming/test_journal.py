import json

import pytest

from napari_sr.streaming.journal import FOLDER, Journal, JournalError, differences


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path)
    made.begin({"a": 1})
    yield made
    made.close()


def test_blocks_of_several_processes_are_read_together(journal, tmp_path):
    other = Journal(tmp_path)
    journal.add(3)
    other.add(12)
    journal.add(4)
    other.close()

    assert Journal(tmp_path).done() == {3, 4, 12}
    assert Journal(tmp_path).task() == {"a": 1}


@pytest.mark.parametrize("cut", [1, 2, 5, 9, 10])
def test_a_line_that_was_cut_off_does_not_count(journal, tmp_path, cut):
    journal.add(3)
    journal.add(123)
    (path,) = (tmp_path / FOLDER).glob("*.done")
    path.write_bytes(path.read_bytes()[:-cut])

    assert Journal(tmp_path).done() == {3}


def test_a_mark_is_kept_with_its_block(journal, tmp_path):
    journal.add(3, "abc123")
    journal.add(4)

    assert Journal(tmp_path).marks() == {3: "abc123", 4: ""}
    (path,) = (tmp_path / FOLDER).glob("*.done")
    path.write_bytes(path.read_bytes().replace(b"abc123", b"abc124"))
    assert Journal(tmp_path).done() == {4}


def test_a_line_with_other_bytes_does_not_count(journal, tmp_path):
    journal.add(3)
    (path,) = (tmp_path / FOLDER).glob("*.done")
    path.write_bytes(path.read_bytes().replace(b"3 ", b"7 ") + b"\0\0\0\0")

    assert Journal(tmp_path).done() == set()


def test_a_finished_result_has_no_journal(journal, tmp_path):
    journal.add(1)

    journal.remove()

    assert not journal.exists
    assert not (tmp_path / FOLDER).exists()
    with pytest.raises(JournalError, match="no unfinished result"):
        journal.task()
    journal.remove()


def test_a_damaged_task_is_refused(journal, tmp_path):
    (tmp_path / FOLDER / "task.json").write_text("[1]")

    with pytest.raises(JournalError, match="damaged"):
        journal.task()


def test_differences_name_each_entry_and_both_values():
    before = {"scale": 2, "source": {"size": 10, "path": "a"}, "gone": 1, "same": [1]}
    now = {"scale": 4, "source": {"size": 11, "path": "a"}, "new": "x" * 99, "same": [1]}

    told = differences(before, now)

    assert told[0] == "gone was 1 and is null"
    assert told[1].startswith('new was null and is "xxx')
    assert told[1].endswith("...")
    assert told[2:] == ["scale was 2 and is 4", "source.size was 10 and is 11"]
    assert differences(json.loads(json.dumps(before)), before) == []
