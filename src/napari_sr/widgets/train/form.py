"""The form that trains a network on image layers: it reads fields and shows results."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from napari_sr import models
from napari_sr.engine.image.digits import counted
from napari_sr.runs.job import Step
from napari_sr.runs.words import error_in_words, time_in_words
from napari_sr.training.finetuning.config import FineTuneConfig, Image
from napari_sr.training.finetuning.job import run
from napari_sr.training.finetuning.model_list import base_model_of
from napari_sr.widgets.common.device_box import available_devices
from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.layer_source import layer_problem, source_of
from napari_sr.widgets.common.open_form import open_form
from napari_sr.widgets.common.value_range import CONTRAST
from napari_sr.widgets.common.worker import call_in_thread
from napari_sr.widgets.train.fields import TrainFields
from napari_sr.zoo import trained

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image as Layer

    from napari_sr.training.finetuning.config import FineTuned, Update

NOISY_START, BLURRED_START = "micrograph", "microscope"
"""The models that are proposed for noisy images: the first one suits clean and noisy images, and
keeps their blur; the second one is for those whose blur shall be removed."""


class TrainWidget(RunningForm):
    """Train a network on image layers.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its image layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self.form = TrainFields()
        super().__init__(napari_viewer, self.form)
        self._asked_to_stop = Event()
        self._learns = self._deblurs = False
        self._made: str | None = None
        self._connect()
        self.reset_choices()
        self._follow_selection()
        call_in_thread(available_devices, returned=self.form.device.offer)

    def _connect(self) -> None:
        form = self.form
        form.layers.changed.connect(self._change_layers)
        form.layers.limits_changed.connect(form.values.refresh)
        form.base_model.changed.connect(self._edit)
        form.values.changed.connect(self._edit)
        form.have.activated.connect(self._change_sort)
        form.noisy.changed.connect(self._change_noisy)
        form.name.textEdited.connect(self._edit)
        form.run.clicked.connect(self._start)
        form.stop.clicked.connect(self._stop)
        form.use.clicked.connect(self._use)

    # the form's fields

    def _offer_layers(self) -> None:
        self.form.layers.offer(self._viewer.layers)
        self.form.noisy.offer(self._viewer.layers)

    def _follow_selection(self, event: object = None) -> None:
        if not self._closed:
            self.form.layers.tick(self._viewer.layers.selection.active)

    def _change_layers(self) -> None:
        first = next(iter(self.form.layers.layers()), None)
        self.form.values.follow(first)
        self.form.degradation.follow(first)
        self.form.noisy.follow(first)
        self._edit()

    def _change_sort(self) -> None:
        """Propose the network that suits the chosen sort of images."""
        if self.form.from_noisy:
            self._deblurs = self.form.noisy.removes_blur
            self.form.base_model.choose(BLURRED_START if self._deblurs else NOISY_START)
        self._edit()

    def _change_noisy(self) -> None:
        """Propose another network if a spot is chosen, unless the user chose one."""
        deblurs, choice = self.form.noisy.removes_blur, self.form.base_model.choice()
        names = (NOISY_START, BLURRED_START) if deblurs else (BLURRED_START, NOISY_START)
        proposed = choice is not None and (choice.model.name, choice.scale) == (names[0], 2)
        if deblurs != self._deblurs and proposed:
            self.form.base_model.choose(names[1])
        self._deblurs = deblurs
        self._edit()

    def _refresh(self) -> None:
        """Show what is wrong, and the proposed name of the network."""
        self.form.name.setPlaceholderText(self._usual_name())
        self._show_problems(self._problems())

    def _problems(self) -> dict[str, str]:
        """Return an explanation for each wrong field, by its name."""
        layers = self.form.layers.layers()
        wrong = [reason for reason in map(layer_problem, layers) if reason is not None]
        if not layers:
            wrong = ["Tick at least one image to train on."]
        if not self.form.layers.count():
            wrong = ["Open an image: there is no image layer."]
        found = {
            "layers": next(iter(wrong), None),
            "base_model": self._base_model_problem(),
            "values": self.form.values.problem() if layers else None,
            "noisy": self.form.noisy.problem() if self.form.from_noisy else None,
            "name": self._name_problem(),
        }
        return {field: reason for field, reason in found.items() if reason is not None}

    def _base_model_problem(self) -> str | None:
        choice = self.form.base_model.choice()
        if choice is None or choice.model.architecture in models.names():
            return self.form.base_model.problem()
        kind = choice.model.architecture
        return f"{choice.model.title} is a {kind}, which napari-sr cannot train: choose another."

    def _name_problem(self) -> str | None:
        name = self.form.name.text()
        if not name:
            return None
        try:
            taken = trained.place(name).exists()
        except ValueError as error:
            return error_in_words(error)
        return f"There is a network called {name} already: choose another name." if taken else None

    def _usual_name(self) -> str:
        layers, choice = self.form.layers.layers(), self.form.base_model.choice()
        if not layers or choice is None:
            return ""
        return trained.free_name(f"{layers[0].name} {choice.label.replace(', fresh', '')}")

    def _range_of(self, layer: Layer) -> Any:
        """Return black and white, or None to take each layer's contrast limits."""
        if self.form.values.kind.currentText() == CONTRAST:
            return tuple(map(float, layer.contrast_limits))
        return self.form.values.value()

    # a training run

    def _start(self) -> None:
        layers, choice = self.form.layers.layers(), self.form.base_model.choice()
        if self._worker is not None or not layers or choice is None:
            return
        self._edit()  # a file of this name may exist by now
        if not self.form.run.isEnabled() or not self._may_download(choice.reference):
            return
        self._run(
            FineTuneConfig(
                images=tuple(map(self._image, layers)),
                base_model=base_model_of(choice),
                scale=choice.scale,
                target=trained.place(self.form.name.text() or self._usual_name()),
                minutes=self.form.minutes.value(),
                degradation=self.form.degradation.value(choice.scale),
                degradation_words=self.form.degradation.words(choice.scale),
                device=self.form.device.device(),
                supervision=self.form.noisy.value() if self.form.from_noisy else None,
            )
        )

    def _image(self, layer: Layer) -> Image:
        source = source_of(layer)
        return Image(source.name, source.data, source.axes, self._range_of(layer))

    def _run(self, config: FineTuneConfig) -> None:
        self._asked_to_stop = Event()
        self._learns = False
        self.form.clear_results()
        self.form.show_running(True)
        self.form.status.say("Starting: loading PyTorch takes a moment the first time …")
        stopped = self._asked_to_stop.is_set
        self._launch(run, config, stopped, name=f"training {config.target.stem}", cancel=self._stop)

    def _stop(self) -> None:
        if self._worker is None:
            return
        self._asked_to_stop.set()
        if not self._learns:
            self._worker.quit()
        self.form.stop.setEnabled(False)
        self.form.status.say("Stopping after this step …")

    def _show_progress(self, update: Update) -> None:
        form = self.form
        form.show_progress(update.done, update.total)
        left = update.seconds_left
        if update.completing:
            form.show_completing()
        if update.completing or not self._asked_to_stop.is_set():
            told = "" if left is None else f", {time_in_words(left)} left"
            form.status.say(f"{update.doing}{told}")
        if update.scores is not None:
            self._learns = True
            form.psnr.compare("bicubic", update.scores.bicubic)
        if update.loss is not None:
            form.loss.add(*update.loss)
        if update.psnr is not None:
            form.psnr.add(*update.psnr)
        if update.preview is not None:
            form.preview.show_pictures(vars(update.preview))
        if update.scores is not None:
            form.show_results()
        self._update_bar(Step(update.done, update.total, update.doing))

    def _show_cancelled(self) -> None:
        self.form.status.say("Stopped before the training began: there is nothing to keep.")

    def _show_result(self, tuned: FineTuned) -> None:
        self._made = str(tuned.path)
        notes = " ".join(f"{note[:1].upper()}{note[1:]}." for note in tuned.notes)
        kept = f"Kept as {tuned.path.stem}, after {counted(tuned.steps, 'step')}."
        advice = "Use this network only for images like its training images."
        self.form.status.say("Done.")
        # the message stays beside curves and pictures until the next training run
        self.form.verdict.say(" ".join(filter(None, (kept, tuned.verdict, advice, notes))))
        self.form.use.setVisible(hasattr(self._viewer, "window"))

    def _clean_up(self) -> None:
        self.form.base_model.relist()
        self.form.name.clear()

    def follow_models(self) -> None:
        """List the models again; hide the button of the new network if its file was removed."""
        self.form.base_model.relist()
        if self._made is not None and not Path(self._made).exists():
            self.form.use.hide()

    def _use(self) -> None:
        """Open the upscaling form, and choose the new network."""
        open_form(self._viewer, "Upscale layer").form.model.choose(self._made)

    def _stop_listening(self) -> None:
        self.form.layers.leave()
        self.form.noisy.leave()
