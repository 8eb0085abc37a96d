"""The log: its columns, and what is taken off it when a training goes on."""

from __future__ import annotations

from napari_sr.training.history import History, rows


def test_a_log_goes_on_where_the_state_was_saved(tmp_path):
    first = History(tmp_path, ["l1"], 0)
    for step in (2, 4, 6):
        first.add(step, {"loss": step / 10, "l1": step / 10, "psnr": 20 + step})
    with first.path.open("a") as file:
        file.write("8,0.1")  # and was killed

    again = History(tmp_path, ["l1", "critic"], 4)
    again.add(6, {"loss": 0.5, "critic": -1.0})

    found = rows(tmp_path / "log.csv")
    assert [row["step"] for row in found] == ["2", "4", "6"]
    assert [row["psnr"] for row in found] == ["22", "24", ""]
    assert (found[2]["loss"], found[2]["critic"]) == ("0.5", "-1")


def test_a_new_training_begins_a_new_log(tmp_path):
    History(tmp_path, [], 0).add(2, {"loss": 1.0})

    History(tmp_path, [], 0)

    assert rows(tmp_path / "log.csv") == []
