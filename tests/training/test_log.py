"""The log: its columns, and the rows that are removed when a training run is resumed."""

from __future__ import annotations

import sys
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch

from napari_sr.training.log import Totals, TrainingLog, rows


def test_a_log_goes_on_where_the_state_was_saved(tmp_path):
    first = TrainingLog(tmp_path, ["l1"], 0)
    for step in (2, 4, 6):
        first.add(step, {"loss": step / 10, "l1": step / 10, "psnr": 20 + step})
    with first.path.open("a") as file:
        file.write("8,0.1")  # and was killed

    again = TrainingLog(tmp_path, ["l1", "critic"], 4)
    again.add(6, {"loss": 0.5, "critic": -1.0})

    found = rows(tmp_path / "log.csv")
    assert [row["step"] for row in found] == ["2", "4", "6"]
    assert [row["psnr"] for row in found] == ["22", "24", ""]
    assert (found[2]["loss"], found[2]["critic"]) == ("0.5", "-1")


def test_a_new_training_begins_a_new_log(tmp_path):
    TrainingLog(tmp_path, [], 0).add(2, {"loss": 1.0})

    TrainingLog(tmp_path, [], 0)

    assert rows(tmp_path / "log.csv") == []


def boards(folder):
    """Return what TensorBoard would show: steps and values by the name of the curve."""
    module = import_module("tensorboard.backend.event_processing.event_accumulator")
    found = module.EventAccumulator(str(folder / "tensorboard")).Reload()
    return {
        name: [(event.step, pytest.approx(event.value)) for event in found.Scalars(name)]
        for name in found.Tags()["scalars"]
    }


@pytest.fixture
def writers(monkeypatch):
    """Put a stand-in for TensorBoard's writer in place; return those that were made."""
    made = []

    class Writer:
        def __init__(self, folder, purge_step):
            self.folder, self.purge_step, self.closed, self.scalars = folder, purge_step, False, []
            made.append(self)

        def add_scalar(self, *values):
            self.scalars.append(values)

        def flush(self):
            pass

        def close(self):
            self.closed = True

    module = SimpleNamespace(SummaryWriter=Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return made


def test_tensorboard_gets_every_value_with_its_step(writers, tmp_path):
    history = TrainingLog(tmp_path, ["l1"], 0)
    history.add(2, {"loss": 0.5, "psnr": 30.0})
    history.close()

    [writer] = writers
    assert writer.folder == tmp_path / "tensorboard"
    assert writer.scalars == [("loss", 0.5, 2), ("psnr", 30.0, 2)]
    assert writer.closed


def test_tensorboard_takes_off_what_comes_again_and_nothing_else(writers, tmp_path):
    TrainingLog(tmp_path, [], 4)

    assert writers[0].purge_step == 5


def test_tensorboard_gets_nothing_where_it_is_not_wanted(writers, tmp_path):
    TrainingLog(tmp_path, [], 0, board=False).add(2, {"loss": 0.5})

    assert writers == []


def test_without_tensorboard_there_is_the_log(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)

    history = TrainingLog(tmp_path, [], 0)
    history.add(2, {"loss": 0.5})
    history.close()

    assert [row["loss"] for row in rows(tmp_path / "log.csv")] == ["0.5"]


def test_the_curves_of_a_training_that_was_killed_have_every_step_once(tmp_path):
    pytest.importorskip("tensorboard")
    killed = TrainingLog(tmp_path, [], 0)
    for step in (2, 4, 6):
        killed.add(step, {"loss": 1 / step})
    with next((tmp_path / "tensorboard").iterdir()).open("ab") as file:
        file.write(b"\x18\0\0")  # a record that was being written

    again = TrainingLog(tmp_path, [], 4)
    for step in (6, 8):
        again.add(step, {"loss": 1 / step, "psnr": 30 + step})
    again.close()

    assert boards(tmp_path) == {
        "loss": [(2, 1 / 2), (4, 1 / 4), (6, 1 / 6), (8, 1 / 8)],
        "psnr": [(6, 36), (8, 38)],
    }


def test_the_curves_of_a_training_that_begins_anew_are_its_own(tmp_path):
    pytest.importorskip("tensorboard")
    for step in (4, 2):
        history = TrainingLog(tmp_path, [], 0)
        history.add(step, {"loss": 0.5})
        history.close()

    assert boards(tmp_path) == {"loss": [(2, 0.5)]}


def test_files_of_one_second_would_come_in_the_wrong_order_so_each_has_its_own(tmp_path):
    pytest.importorskip("tensorboard")
    for _ in range(2):
        TrainingLog(tmp_path, [], 0).close()

    seconds = [path.name.split(".")[3] for path in (tmp_path / "tensorboard").iterdir()]
    assert len(set(seconds)) == len(seconds) == 2


def test_a_mean_is_over_the_steps_that_had_the_value():
    totals = Totals()

    totals.add({"loss": torch.tensor(1.0), "l1": torch.tensor(4.0)})
    totals.add({"loss": torch.tensor(3.0)})

    assert totals.means() == {"loss": 2, "l1": 4}


def test_one_unhealthy_step_shows():
    totals = Totals()

    for healthy in (True, False, True, True):
        totals.add({"healthy": torch.tensor(healthy)})

    assert totals.means() == {"healthy": 0.75}
