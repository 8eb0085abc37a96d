"""Training as a generator: it yields after every step, and can be stopped after any.

A training may be cut anywhere. What a step does depends on the seed, the step and the state that
was saved, and on nothing else; so one that was killed and goes on ends as if it had never been
stopped, bit for bit, on the same device with as many threads.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.engine.planning.devices import choose_device
from napari_sr.training import distributed
from napari_sr.training.checkpointing import (
    Reached,
    StateError,
    device_words,
    export,
    load_state,
    resume_check,
    save_state,
    training_card,
)
from napari_sr.training.data.prefetch import Batches
from napari_sr.training.data.training_data import draws_of, pairs_of
from napari_sr.training.determinism import arithmetic
from napari_sr.training.learner import Learner
from napari_sr.training.log import Totals, TrainingLog
from napari_sr.training.recipe import as_table
from napari_sr.training.session import Progress, Session, TrainingError
from napari_sr.training.validation import flat, judge

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from napari_sr.training.config import Config
    from napari_sr.training.data.training_data import TrainingData
    from napari_sr.training.distributed import Place


def train(
    config: Config, material: TrainingData, session: Session
) -> Generator[Progress, None, Path]:
    """Train a network; yield after every step, and return the file of the result.

    Close the generator to stop: what is needed to go on is written then, but not where several
    processes train together, which stop by `Session.stopped`.

    Parameters
    ----------
    config : Config
        What to train, and how.
    material : TrainingData
        What to learn from.
    session : Session
        Where and for how long.

    Returns
    -------
    Path
        `<name>.safetensors` in the session's folder, which `napari_sr.load` opens: the best on the
        pairs that were held out, or the last where there are none.

    Raises
    ------
    ValueError
        If the recipe does not fit itself, the device or the material, or the folder holds another
        training.
    TrainingError
        If the loss or a gradient becomes NaN or infinite: the last saved state stays.
    """
    began = time.monotonic()
    with distributed.together() as place:
        name = f"cuda:{place.local}" if place.world > 1 and torch.cuda.is_available() else None
        device = choose_device(name or session.device)
        with arithmetic(device, deterministic=config.run.deterministic):
            training = Training(config, material, session, place, device)
            try:
                yield from training.run(began)
            finally:
                training.close()
    return training.result


class Training:
    """One session of a training: see `train`.

    Parameters
    ----------
    config, material, session
        As for `train`.
    place : Place
        This process among those that train together.
    device : torch.device
        Where to compute.
    """

    def __init__(
        self,
        config: Config,
        material: TrainingData,
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
                f"{self.out} holds a training at step {state['step']}: resume it, or give another "
                "folder"
            )
        self.told: list[str] = [] if state is None else resume_check(config, state, self.out)
        self.learner = Learner(config, device, place.rank, fresh=state is None)
        if self.learner.told:
            self.told.append(self.learner.told)
        network = self.learner.network
        channels = network.channels
        draw = draws_of(material, config, channels, place.rank, device)
        pairs = pairs_of(material, config, channels, network.multiple) if place.first else []
        self.pairs = [pair for pair in pairs if not flat(pair[1], network.scale)]
        if len(self.pairs) < len(pairs):
            self.told.append(
                f"{len(pairs) - len(self.pairs)} of {len(pairs)} held-out images are flat where "
                "they are judged, and are left out"
            )
        if state is not None:
            self.learner.restore(state["learner"])
            self.told.append(f"goes on from step {state['step']}")
        self.step: int = 0 if state is None else state["step"]
        self.saved = self.step
        self.seconds: float = 0.0 if state is None else state["seconds"]
        self.best: float = -math.inf if state is None else state["best"]
        self.totals = Totals() if state is None else Totals(state["sums"], state["counts"])
        self.totals.sums = {key: one.to(device) for key, one in self.totals.sums.items()}
        self.loss: float | None = None
        self.psnr: float | None = None
        self.result = self.out / f"{config.name}.safetensors"
        self.history: TrainingLog | None = None
        learner = self.learner
        self.batches = Batches(
            lambda number: draw[learner.scale_of(number // learner.batches)](number), device
        )

    def close(self) -> None:
        """Let go of threads and files."""
        self.batches.close()
        if self.history is not None:
            self.history.close()

    def run(self, began: float) -> Iterator[Progress]:
        """Yield after every step, from where it was to the end or to the session's."""
        if self.place.first:
            self.out.mkdir(parents=True, exist_ok=True)
            parts = [one.term.kind for one in self.learner.objective.terms]
            more = ["adversary", "critic"] if self.learner.adversary else []
            self.history = TrainingLog(self.out, [*parts, *more], self.step, board=self.lasting)
        for message in self.told:
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
            if self.place.world == 1:  # others may be at other steps
                self.save()
            raise
        self.save()
        done = "ends" if self.step >= self.config.run.steps else "pauses, to be resumed,"
        yield self.progress(0.0, f"{done} at step {self.step}; the result is {self.result}")

    def asks(self) -> bool:
        """Say whether all processes ask now whether to stop, which they do at the same steps."""
        # asking waits for the GPU, whose steps are short
        waits = self.place.world > 1 and self.device.type != "cpu"
        return not waits or self.step % 10 == 0

    def progress(self, left: float | None = None, message: str = "") -> Progress:
        """Return how far it is."""
        return Progress(self.step, self.config.run.steps, left, self.loss, self.psnr, message)

    def advance(self) -> None:
        """Take a step; report, judge and save when it is time."""
        run = self.config.run
        values = self.learner.learn(self.step, self.batches)
        self.totals.add(values)
        self.step += 1
        last = self.step == run.steps
        judges = bool(self.pairs) and (last or self.step % run.validate_every == 0)
        if judges or last or self.step % run.report_every == 0:
            self.report(judges)
        if last or self.step % run.save_every == 0:
            self.save()

    def report(self, judges: bool) -> None:
        """Write a row of the log, judge the result if asked to, and keep it if it is the best."""
        means = self.checked()
        self.totals = Totals()
        self.loss = means["loss"]
        if self.history is None:
            return
        rate = self.learner.descent.optimiser.param_groups[0]["lr"]
        row = {"seconds": self.seconds, "learning_rate": rate, **means}
        if judges:
            self.psnr = row["psnr"] = judge(self.learner.result, self.pairs)
            if self.psnr > self.best:
                self.best = self.psnr
                self.export()
        self.history.add(self.step, row)

    def export(self) -> None:
        """Write the result as a checkpoint with a card."""
        how = Reached(
            self.step, self.seconds, self.psnr, device_words(self.device, self.place.world)
        )
        export(self.result, self.learner.result.state_dict(), training_card(self.config, how))

    def checked(self) -> dict[str, float]:
        """Return the means of what was learnt since the last report, all of them finite."""
        means = self.totals.means()
        healthy = means.pop("healthy", 1.0)
        if distributed.anywhere(healthy < 1, self.device):
            shown = ", ".join(f"{key} {value:g}" for key, value in means.items())
            kept = "nothing was saved yet"
            if self.saved and self.lasting:
                kept = f"the state of step {self.saved} is kept in {self.out}"
            raise TrainingError(
                f"the training broke down by step {self.step}: loss or gradient became NaN or "
                f"infinite ({shown}); {kept}. A "
                "lower learning rate, clipping (run.clip) or bfloat16 instead of float16 may help"
            )
        return means

    def save(self) -> None:
        """Write all that going on needs, and the result where none is the best."""
        self.checked()
        if not self.place.first or (self.step == self.saved and self.saved):
            return
        if not self.pairs or not self.result.is_file():
            self.export()
        if self.lasting:
            save_state(self.out, self.state())
        self.saved = self.step

    def state(self) -> dict[str, Any]:
        """Return all that going on needs."""
        return {
            "config": as_table(self.config),
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "sums": self.totals.sums,
            "counts": self.totals.counts,
            "learner": self.learner.state(),
        }
