from __future__ import annotations

import threading

import pytest
from forms import PATIENCE
from napari.utils import progress
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtWidgets import QWidget
from superqt.utils import WorkerBase

from napari_sr.engine.image.value_range import OutsideRangeWarning
from napari_sr.runs.job import Step
from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.fields import RunFields
from napari_sr.zoo.download import DownloadError


@pytest.fixture
def form(viewer, qapp):
    """Return a form without fields."""
    fields = RunFields("Run", "Stop")
    fields.arrange([])
    form = RunningForm(viewer, fields)
    yield form
    WorkerBase.await_workers(PATIENCE)
    if not form._closed:
        form.deleteLater()


def endless(happened):
    try:
        while True:
            happened.append("step")
            yield Step(1, 2, "working")
    finally:
        happened.append("closed")


def launch(form, qtbot):
    happened = []
    form._launch(endless, happened, name="a run")
    qtbot.waitUntil(lambda: "step" in happened, timeout=PATIENCE)
    return happened


def test_the_activity_dock_shows_a_run_until_it_ends(form, qtbot):
    happened = launch(form, qtbot)
    (bar,) = progress._all_instances

    bar.cancel()
    qtbot.waitUntil(lambda: form._worker is None, timeout=PATIENCE)

    assert happened[-1] == "closed"
    assert not progress._all_instances


def test_a_run_that_ends_while_it_is_cancelled_counts_as_cancelled(form, qtbot, monkeypatch):
    begun, go_on, said = threading.Event(), threading.Event(), form._fields.status.say
    monkeypatch.setattr(form, "_show_cancelled", lambda: said("Cancelled."))

    def last_step():
        begun.set()
        assert go_on.wait(PATIENCE / 1000)
        return "a result"
        yield

    form._launch(last_step, name="a run")
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    form._cancel()
    go_on.set()
    qtbot.waitUntil(lambda: form._worker is None, timeout=PATIENCE)

    assert form._fields.status.text() == "Cancelled."


def test_a_form_that_loses_its_dock_ends_its_run(form, qtbot):
    dock = QWidget()
    form.setParent(dock)
    happened = launch(form, qtbot)

    form.setParent(None)
    qtbot.waitUntil(lambda: happened[-1] == "closed", timeout=PATIENCE)

    assert not progress._all_instances


@pytest.mark.parametrize("error", [ValueError("got 3"), OSError("disk is full")])
def test_an_error_is_said_in_the_form_and_notified_once(form, error):
    notification_manager.records.clear()

    form._show_error(error)

    assert form._fields.status.text().lower() == str(error)
    (record,) = notification_manager.records
    assert record.message.lower() == str(error)


@pytest.mark.parametrize(
    ("error", "traced"),
    [(ValueError("got 3"), False), (DownloadError("no net"), False), (OSError("full"), True)],
)
def test_only_an_error_that_does_not_explain_itself_shows_its_traceback(form, error, traced):
    notification_manager.records.clear()

    form._show_error(error)

    (record,) = notification_manager.records
    assert isinstance(record, ErrorNotification) is traced
    assert traced or record.message[0].isupper()


def test_messages_name_fields_not_arguments(form):
    notification_manager.records.clear()

    form._show_error(ValueError("give scale=, got scale=3"))
    form._show_warning(("unless value_range=(0, 9) says otherwise", OutsideRangeWarning))

    assert form._fields.status.text() == "Give Scale, got Scale 3"
    told = [record.message for record in notification_manager.records]
    assert told == ["Give Scale, got Scale 3", "unless Values (0, 9) says otherwise"]


def test_warnings_of_others_are_not_shown(form):
    notification_manager.records.clear()

    form._show_warning(("deprecated", DeprecationWarning))

    assert not notification_manager.records
