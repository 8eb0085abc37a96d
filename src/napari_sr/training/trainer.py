"""Training as a generator: it yields after every step, and can be stopped after any step.

A step depends only on the seed, the step's number and the saved state. So training may be killed at
any time. After resuming on the same device with the same number of threads, the result is bit for
bit the same as without the interruption.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.engine.planning.devices import choose_device
from napari_sr.training import distributed
from napari_sr.training.checkpointing import StateError, load_state, resume_check, save_state
from napari_sr.training.data.draws import draws_of
from napari_sr.training.data.prefetch import BatchLoader
from napari_sr.training.determinism import arithmetic
from napari_sr.training.learner import Learner
from napari_sr.training.measurement import measurement_of
from napari_sr.training.noisy_pairs import held_out_pairs
from napari_sr.training.recipe import as_table
from napari_sr.training.reporter import Reporter
from napari_sr.training.session import Progress, Session

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from napari_sr.training.config import Config
    from napari_sr.training.data.training_data import TrainingData
    from napari_sr.training.distributed import Place


def train(
    config: Config, training_data: TrainingData, session: Session
) -> Generator[Progress, None, Path]:
    """Train a network; yield after every step, and return the file of the trained network.

    To stop, close the generator: this saves the state. If several processes train together, use
    `Session.stopped` instead.

    Parameters
    ----------
    config : Config
        Settings of the training run.
    training_data : TrainingData
        The images.
    session : Session
        Folder, device and time limit.

    Returns
    -------
    Path
        `<name>.safetensors` in the session's folder, which `napari_sr.load` opens: the best network
        on the held-out pairs, or the last one if there are no pairs.

    Raises
    ------
    ValueError
        If the recipe contradicts itself or does not fit the device or the data, or if the folder
        contains another training run.
    TrainingError
        If the loss or a gradient becomes NaN or infinite; the last saved state remains.
    """
    began = time.monotonic()
    with distributed.together() as place:
        name = f"cuda:{place.local}" if place.world > 1 and torch.cuda.is_available() else None
        device = choose_device(name or session.device)
        with arithmetic(device, deterministic=config.run.deterministic):
            training = Training(config, training_data, session, place, device)
            try:
                yield from training.run(began)
            finally:
                training.close()
    return training.result


class Training:
    """One training session; see `train`.

    Parameters
    ----------
    config, training_data, session
        As for `train`.
    place : Place
        Rank of this process among the processes that train together.
    device : torch.device
        Device that computes.
    """

    def __init__(
        self,
        config: Config,
        training_data: TrainingData,
        session: Session,
        place: Place,
        device: torch.device,
    ) -> None:
        self.config, self.out, self.place, self.device = config, session.out, place, device
        self.limit, self.lasting = 60 * session.minutes, session.lasting
        self.stopped = session.stopped
        state = load_state(self.out)
        if state is not None and not session.resume:
            raise StateError(
                f"{self.out} has a training run at step {state['step']}: resume it, or give "
                "another folder"
            )
        self.messages: list[str] = [] if state is None else resume_check(config, state, self.out)
        self.learner = Learner(config, device, place.rank, fresh=state is None)
        if self.learner.message:
            self.messages.append(self.learner.message)
        network = self.learner.network
        channels = network.channels
        takes = network.takes_noise
        draw = draws_of(training_data, config, channels, place.rank, device, takes_noise=takes)
        pairs = held_out_pairs(training_data, config, channels, network.multiple, takes)
        # fine-tuning, which keeps no state, judges and corrects its networks itself
        noisy = measurement_of(config) is not None and session.lasting
        pictures = [*training_data.learnt, *training_data.held_out] if noisy else []
        self.reporter = Reporter(
            config, session, self.learner, pairs if place.first else [], place, state, pictures
        )
        self.messages += self.reporter.messages
        if state is not None:
            self.learner.restore(state["learner"])
            self.messages.append(f"resumes at step {state['step']}")
        self.step: int = 0 if state is None else state["step"]
        self.saved = self.step
        self.seconds: float = 0.0 if state is None else state["seconds"]
        self.result = self.reporter.result
        learner = self.learner
        self.batches = BatchLoader(
            lambda number: draw[learner.scale_of(number // learner.batches)](number), device
        )

    def close(self) -> None:
        """Close threads and files."""
        self.batches.close()
        self.reporter.close()

    def run(self, began: float) -> Iterator[Progress]:
        """Yield after every step, until the last step or the end of the session."""
        if self.place.first:
            self.reporter.open(self.step)
            if self.step == 0:
                self.messages += self.reporter.start()
        for message in self.messages:
            yield self.progress(message=message)
        started, first, before = time.monotonic(), self.step, self.seconds
        try:
            while self.step < self.config.run.steps:
                self.advance()
                now = time.monotonic()
                self.seconds = before + now - started
                left = (now - started) / (self.step - first) * (self.config.run.steps - self.step)
                yield self.progress(left)
                if self.asks() and distributed.anywhere(
                    now - began > self.limit or self.stopped(), self.device
                ):
                    break
        except GeneratorExit:
            if self.place.world == 1:  # with several processes, others may be at other steps
                self.save()
            raise
        self.save()
        done = "ended" if self.step >= self.config.run.steps else "paused (can be resumed)"
        yield self.progress(
            0.0, f"{done} at step {self.step}; the network is {self.result}{self.reporter.outcome}"
        )

    def asks(self) -> bool:
        """Return whether processes exchange their stop requests at this step."""
        # the exchange waits for the GPU, which takes time compared with short steps
        waits = self.place.world > 1 and self.device.type != "cpu"
        return not waits or self.step % 10 == 0

    def progress(self, left: float | None = None, message: str = "") -> Progress:
        """Return the progress."""
        told = self.reporter
        return Progress(
            self.step, self.config.run.steps, left, told.loss, told.psnr, told.better, message
        )

    def advance(self) -> None:
        """Take a step; report, validate and save if this is due."""
        run = self.config.run
        self.reporter.totals.add(self.learner.learn(self.step, self.batches))
        self.step += 1
        last = self.step == run.steps
        judges = self.reporter.judges and run.validates_after(self.step)
        if judges or last or self.step % run.report_every == 0:
            self.reporter.report(self.step, self.seconds, judges=judges, saved=self.saved)
        if last or self.step % run.save_every == 0:
            self.save()

    def save(self) -> None:
        """Save the state; if there are no held-out pairs, also write the network."""
        self.reporter.means(self.step, self.saved)
        if not self.place.first or (self.step == self.saved and self.saved):
            return
        if not self.reporter.pairs or not self.result.is_file():
            self.reporter.export(self.step, self.seconds)
        if self.lasting:
            save_state(self.out, self.state())
        self.saved = self.step

    def state(self) -> dict[str, Any]:
        """Return the state that resuming needs."""
        return {
            "config": as_table(self.config),
            "step": self.step,
            "seconds": self.seconds,
            **self.reporter.state(),
            "learner": self.learner.state(),
        }
