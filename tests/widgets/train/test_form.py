"""The training form beside a viewer without a window: what it offers, refuses, runs and keeps."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from forms import PATIENCE
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget
from superqt.utils import WorkerBase

import napari_sr
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.runs.model_list import ListedModel, known_models
from napari_sr.training.finetuning.config import FineTuned, Scores, Update
from napari_sr.training.finetuning.preview import Preview
from napari_sr.training.finetuning.self_supervision import SelfSupervision
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.train import form as train
from napari_sr.widgets.train.fields import COMPLETING, NOISY, SHARP, STOP
from napari_sr.widgets.train.form import TrainWidget
from napari_sr.widgets.train.noisy import COMPUTED, MEASURED, NO_SPOT
from napari_sr.zoo import trained


class Trainer:
    """Stands in for `training.finetuning.job.run`: goes on step by step, as the test lets it."""

    def __init__(self):
        self.configs = []
        self.permits = threading.Semaphore(0)
        self.closed = threading.Event()
        self.error = None
        self.held = []

    def run(self, config, stopped):
        self.configs.append(config)
        memory = np.zeros(10)
        self.held.append(weakref.ref(memory))
        try:
            yield Update("Timing the steps …", scores=Scores(30.0, 29.0), psnr=(0, 29.0))
            for step in range(1, 5):
                while not self.permits.acquire(timeout=0.01):
                    # a worker that is quit notices between two updates
                    yield Update(f"Training: step {step - 1} of 4", step - 1, 4, 90.0)
                if self.error is not None:
                    raise self.error
                if stopped():
                    break
                picture = np.full((8, 8), step, np.uint8)
                yield Update(f"Training: step {step} of 4", step, 4, 90.0, (step, 0.1),
                           (step, 29.0 + step), preview=Preview(*[picture] * 4))  # fmt: skip
            return FineTuned(config.target, 28.0 + step, Scores(30.0, 29.0), step, ("a note",))
        finally:
            del memory
            self.closed.set()


@pytest.fixture
def trainer(monkeypatch):
    trainer = Trainer()
    monkeypatch.setattr(train, "run", trainer.run)
    return trainer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    return tmp_path / "networks"


@pytest.fixture
def form(viewer, folder, qtbot):
    """Return the form beside a viewer without a window."""
    widget = TrainWidget(viewer)
    for name in ("inserted", "removed", "reordered"):
        getattr(viewer.layers.events, name).connect(widget.reset_choices)
    yield widget
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)
    if not widget._closed:
        widget.close()
        widget.deleteLater()


@pytest.fixture
def cells(viewer, form, random):
    """Return a grey layer of 12 bits, ticked."""
    pixels = random.integers(0, 4095, (3, 40, 48)).astype(np.uint16)
    return viewer.add_image(pixels, name="cells", contrast_limits=(0, 4095))


@pytest.fixture
def ran(form, trainer, qtbot):
    """Return a function that presses Train, lets so many steps go on, and waits for the end."""

    def run(permits=100):
        with qtbot.waitSignal(form.run_ended, timeout=PATIENCE):
            form.form.run.click()
            trainer.permits.release(permits)
        return trainer.configs[-1]

    return run


@pytest.fixture
def running(form, cells, trainer, qtbot):
    """Press Train, and wait until the first step is shown."""
    form.form.run.click()
    trainer.permits.release()
    qtbot.waitUntil(lambda: form.form.bar.value() == 1, timeout=PATIENCE)
    return form


def tick(form, row, ticked=True):
    state = Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
    form.form.layers.item(row).setCheckState(state)


# what it offers and refuses


def test_without_an_image_it_says_what_to_do(form):
    assert not form.form.run.isEnabled()
    assert form.form.status.text() == "Open an image: there is no image layer."


def test_without_a_tick_it_says_what_to_do(form, cells):
    tick(form, 0, ticked=False)

    assert not form.form.run.isEnabled()
    assert "Tick at least one image" in form.form.status.text()
    assert "border" in form.form.layers.styleSheet()


def test_a_mask_is_refused(viewer, form):
    viewer.add_image(np.zeros((40, 50), bool), name="mask")

    assert not form.form.run.isEnabled()
    assert "The layer mask has the type bool" in form.form.status.text()


def test_a_name_is_offered_and_one_that_is_taken_is_refused(form, cells, folder):
    folder.mkdir()
    (folder / "mine.safetensors").touch()

    form.form.name.setText("mine")
    form.form.name.textEdited.emit("mine")

    assert form.form.name.placeholderText() == "cells FSRCNN x2"
    assert not form.form.run.isEnabled()
    assert "a network called mine already" in form.form.status.text()

    form.form.name.setText("a/b")
    form.form.name.textEdited.emit("a/b")

    assert "got 'a/b'" in form.form.status.text()


def test_a_network_of_another_library_cannot_be_trained(form, cells):
    foreign = ListedModel(
        "photo.pth", "photo", "Opened files", "", (4,), architecture="SwinIR (spandrel)"
    )

    form.form.base_model._take_file(foreign)

    assert not form.form.run.isEnabled()
    assert (
        "photo is a SwinIR (spandrel), which napari-sr cannot train"
        in form.form.base_model.models.toolTip()
    )


def test_the_pixel_size_of_the_first_layer_is_taken_over(viewer, form):
    viewer.add_image(np.zeros((40, 50)), scale=(0.2, 0.2), units=("um", "um"))

    assert form.form.degradation.pixel.value() == 0.2


# what it asks of the trainer


def test_all_that_is_chosen_is_asked_for(viewer, form, cells, trainer, ran, random):
    rgb = random.integers(0, 255, (40, 50, 3), np.uint8)
    viewer.add_image(rgb, name="tissue", rgb=True)
    tick(form, 1)
    form.form.base_model.scale.setCurrentIndex(1)
    form.form.base_model.scale.activated.emit(1)
    form.form.degradation.kind.setCurrentText("blur")
    form.form.minutes.setValue(2.5)
    form.form.name.setText("mine")

    config = ran()

    first, second = config.images
    assert (first.name, first.axes, first.value_range) == ("cells", "ZYX", (0.0, 4095.0))
    assert (second.name, second.axes) == ("tissue", "YXS")
    assert second.value_range == (0.0, 255.0)  # contrast limits are each layer's own
    assert (config.base_model.title, config.minutes, config.device) == ("FSRCNN x3", 2.5, "auto")
    assert config.degradation.options == {"sigma": 1.6}
    assert config.target == trained.place("mine")


@pytest.mark.parametrize(
    ("kind", "expected"), [("data type", None), ("percentiles", Percentiles(0.1, 99.9))]
)
def test_other_values_are_the_same_for_all_layers(form, cells, ran, kind, expected):
    form.form.values.kind.setCurrentText(kind)
    form.form.values.kind.activated.emit(0)

    assert ran().images[0].value_range == expected


# a training run


def test_progress_curves_and_pictures_are_shown(running, trainer, qtbot):
    shown = running.form

    assert shown.status.text() == "Training: step 1 of 4, 2 minutes left"
    assert shown.psnr.lines == {"bicubic": 30.0}
    assert shown.psnr.points == [(0, 29.0), (1, 30.0)]
    assert shown.loss.points == [(1, 0.1)]
    assert list(shown.preview.pictures) == ["low resolution", "bicubic", "network", "truth"]
    assert not shown.run.isEnabled()
    with qtbot.waitSignal(running.run_ended, timeout=PATIENCE):
        trainer.permits.release(100)


def test_the_end_says_how_good_it_is_and_for_what(form, cells, ran):
    ran()

    told = form.form.verdict.text()
    assert told.startswith("Kept as cells FSRCNN x2, after 4 steps. On the held-out part:")
    assert "32.00 dB, 2.00 dB above bicubic" in told
    assert told.endswith("only for images like its training images. A note.")
    assert form.form.run.isEnabled()
    assert not form.form.bar.isVisible()


def test_a_network_that_was_removed_is_not_offered(form, cells, ran):
    ran()
    form.form.use.show()

    form.follow_models()  # its file never existed

    assert form.form.use.isHidden()


def test_what_the_end_said_stays_whole_while_layers_come_and_fields_change(
    viewer, form, cells, ran
):
    ran()
    told = form.form.verdict.text()

    viewer.add_labels(np.zeros((4, 4), np.uint8), name="mask")
    viewer.add_image(np.zeros((4, 4), np.uint8), name="another")
    after_layers = form.form.status.text()
    form.form.layers.item(1).setCheckState(Qt.CheckState.Checked)

    assert after_layers == "Done."
    assert form.form.status.text() == ""  # the user is at the next one
    assert form.form.verdict.text() == told
    assert "Kept as cells FSRCNN x2" in told


def test_an_error_stays_when_a_layer_comes(viewer, form, cells, trainer, ran):
    trainer.error = ValueError("cells is too small: 3 x 4 pixels")
    ran()

    viewer.add_labels(np.zeros((4, 4), np.uint8), name="mask")

    assert form.form.status.text() == "Cells is too small: 3 x 4 pixels"


def test_stop_ends_it_with_the_best_so_far(running, trainer, qtbot):
    running.form.stop.click()
    assert running.form.status.text() == "Stopping after this step …"
    assert not running.form.stop.isEnabled()

    with qtbot.waitSignal(running.run_ended, timeout=PATIENCE):
        trainer.permits.release()

    assert "after 2 steps" in running.form.verdict.text()
    assert "not better than bicubic" in running.form.verdict.text()


@pytest.mark.parametrize("stops", [True, False])
def test_the_end_of_a_training_is_told_and_cannot_be_stopped(running, trainer, qtbot, stops):
    if stops:
        running.form.stop.click()
    running._show_progress(Update("Calibrating …", completing=True))

    assert running.form.status.text() == "Calibrating …"
    assert not running.form.stop.isEnabled()
    assert running.form.stop.toolTip() == COMPLETING
    with qtbot.waitSignal(running.run_ended, timeout=PATIENCE):
        trainer.permits.release(10)
    assert running.form.stop.toolTip() == STOP


def test_stop_before_anything_was_learnt_waits_for_nothing(form, cells, trainer, qtbot):
    with qtbot.waitSignal(form.run_ended, timeout=PATIENCE):
        form.form.run.click()
        form.form.stop.click()  # no step is ever let go on

    assert "nothing to keep" in form.form.status.text()
    assert form.form.run.isEnabled()


def test_an_error_is_shown_and_it_trains_again(form, cells, trainer, ran):
    trainer.error = ValueError("cells is too small: 3 x 4 pixels")
    ran()
    told = form.form.status.text()
    trainer.error = None
    trainer.permits = threading.Semaphore(0)

    ran()

    assert told == "Cells is too small: 3 x 4 pixels"
    assert "Kept as" in form.form.verdict.text()
    assert len(notification_manager.records) > 0


def test_a_file_of_that_name_that_came_meanwhile_is_not_replaced(form, cells, trainer, folder):
    form.form.name.setText("mine")
    folder.mkdir()
    (folder / "mine.safetensors").touch()

    form.form.run.click()

    assert trainer.configs == []
    assert "a network called mine already" in form.form.status.text()


def test_closing_the_dock_ends_it_and_frees_its_memory(viewer, running, trainer, qtbot):
    dock = QWidget()
    running.setParent(dock)

    running.setParent(None)  # which is all that napari does

    qtbot.waitUntil(trainer.closed.is_set, timeout=PATIENCE)
    WorkerBase.await_workers(PATIENCE)
    gc.collect()

    assert trainer.held[0]() is None
    viewer.layers.clear()


# the whole way


def test_a_network_is_trained_and_upscales_at_once(viewer, form, cells, folder, qtbot, monkeypatch):
    from napari_sr.training.finetuning import pacing, sizing

    monkeypatch.setattr(pacing, "TIMED", 0.0)
    monkeypatch.setattr(sizing, "LADDER", (sizing.Size(1, 24),))
    form.form.minutes.setMinimum(0.001)
    form.form.minutes.setDecimals(3)
    form.form.minutes.setValue(0.001)

    with qtbot.waitSignal(form.run_ended, timeout=PATIENCE):
        form.form.run.click()

    assert "Kept as cells FSRCNN x2" in form.form.verdict.text()
    (model,) = [model for model in known_models() if model.heading == "Trained here"]
    assert (model.title, model.scales, model.architecture) == ("cells FSRCNN x2", (2,), "fsrcnn")
    assert Path(model.name).parent == folder
    network = napari_sr.load(Path(model.name), scale=2)
    assert napari_sr.upscale(cells.data[0], network, value_range=(0, 4095)).shape == (80, 96)
    offered = form.form.base_model.models
    listed = [offered.itemData(index) for index in range(offered.count())]
    assert model in [each for each in listed if isinstance(each, ListedModel)]


def test_a_fresh_network_is_named_without_saying_so(form, cells):
    models = form.form.base_model.models
    form.form.base_model.choose("fsrcnn")
    index = next(i for i in range(models.count()) if models.itemText(i) == "FSRCNN, fresh")
    models.setCurrentIndex(index)

    assert form.form.name.placeholderText() == "cells FSRCNN x2"


def test_a_result_is_no_truth_to_learn_from_unless_it_is_ticked(form, viewer):
    viewer.layers.clear()
    viewer.add_image(np.zeros((40, 40)), name="result", metadata={METADATA_KEY: {}})

    assert form.form.layers.layers() == []


def say_noisy(form):
    form.form.have.setCurrentText(NOISY)
    form.form.have.activated.emit(1)


def test_noisy_images_are_learnt_from_alone(form, cells, ran):
    say_noisy(form)

    config = ran()

    assert config.supervision == SelfSupervision()


def test_the_proposed_start_suits_the_spot(form, cells):
    def start_with(spot):
        form.form.noisy.spot.setCurrentText(spot)
        form.form.noisy.spot.activated.emit(0)
        return form.form.base_model.choice().model.name

    say_noisy(form)
    assert form.form.base_model.choice().model.name == "micrograph"

    assert [start_with(COMPUTED), start_with(NO_SPOT)] == ["microscope", "micrograph"]

    form.form.base_model.choose("fsrcnn")  # the user's own choice stays
    assert start_with(COMPUTED) == "fsrcnn"

    form.form.base_model.choose("micrograph", 4)  # there is no microscope x4
    assert start_with(NO_SPOT) == start_with(COMPUTED) == "micrograph"


def test_sharp_images_are_the_usual_ones(cells, ran):
    assert ran().supervision is None


def test_a_missing_bead_stops_the_start(form, cells):
    say_noisy(form)
    form.form.noisy.spot.setCurrentText(MEASURED)
    form.form.noisy.bead.clear()
    form.form.noisy._beads = []
    form.form.noisy.spot.activated.emit(2)

    assert not form.form.run.isEnabled()
    assert "Open an image of one bead" in form.form.status.text()

    form.form.have.setCurrentText(SHARP)
    form.form.have.activated.emit(0)
    assert form.form.run.isEnabled()
