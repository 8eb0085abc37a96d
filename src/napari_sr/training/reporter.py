"""Reports during training: mean losses, PSNR on held-out pairs, and the best network so far."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from napari_sr.training import distributed
from napari_sr.training.checkpointing import Reached, device_words, export, training_card
from napari_sr.training.intensity import keep_intensity
from napari_sr.training.log import Totals, TrainingLog
from napari_sr.training.noisy_pairs import NoisyPair
from napari_sr.training.session import TrainingError
from napari_sr.training.validation import WORST, Judgement, flat, judgement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from napari_sr.graph.network import Network
    from napari_sr.training.config import Config
    from napari_sr.training.data.pictures import Picture
    from napari_sr.training.distributed import Place
    from napari_sr.training.learner import Learner
    from napari_sr.training.session import Session


class Reporter:
    """Writes the log, validates the network, and saves it.

    Parameters
    ----------
    config : Config
        Settings of the training run.
    session : Session
        Folder of the log and of the network's file.
    learner : Learner
        The learner whose network is validated and saved.
    pairs : sequence of (C, H, W) and (C, S * H, S * W), or of NoisyPair
        Held-out pairs as for `validation.judge`; flat ones are left out.
    place : Place
        Rank of this process; only the first process writes.
    state : mapping, optional
        A saved state, as `state` returns it, to resume from.
    pictures : sequence of Picture
        Noisy images whose intensities written networks keep; none for sharp images. The network
        is then validated before its first step, too, and replaced only by one that is clearly
        better.
    """

    def __init__(
        self,
        config: Config,
        session: Session,
        learner: Learner,
        pairs: Sequence[tuple[Tensor, Tensor]] | Sequence[NoisyPair],
        place: Place,
        state: Mapping[str, Any] | None = None,
        pictures: Sequence[Picture] = (),
    ) -> None:
        self.config, self.out, self.lasting = config, session.out, session.lasting
        self.learner, self.place, self.device = learner, place, learner.device
        self.pairs: Sequence[Any] = [
            pair
            for pair in pairs
            if isinstance(pair, NoisyPair) or not flat(pair[1], learner.network.scale)
        ]
        self.messages: list[str] = []
        """Messages for the user."""
        if len(self.pairs) < len(pairs):
            self.messages.append(
                f"{len(pairs) - len(self.pairs)} of {len(pairs)} held-out images are flat in the "
                "part that is scored, and are left out"
            )
        self.judges = distributed.anywhere(bool(self.pairs), self.device)
        """Whether to validate. If any process has pairs, all report at the steps of validation."""
        self.result = self.out / f"{config.name}.safetensors"
        self.best = WORST
        """Judgement of the network that was written."""
        self.start_psnr = -math.inf
        """PSNR before the first step, if it was judged."""
        self.least = WORST if session.least is None else session.least
        """What the next network to be written must exceed, apart from `best`."""
        if state is not None:
            self.best = Judgement(state["best"], state.get("merit", state["best"]))
            self.start_psnr = state.get("start_psnr", -math.inf)
            self.least = Judgement(*state.get("least_judged", WORST))
        self.pictures = pictures
        self.totals = Totals() if state is None else Totals(state["sums"], state["counts"])
        self.totals.sums = {key: one.to(self.device) for key, one in self.totals.sums.items()}
        self.loss: float | None = None
        self.psnr: float | None = None
        self.better = False
        """Whether the last validation was the best one so far, and its network was written."""
        self.log: TrainingLog | None = None

    def open(self, step: int) -> None:
        """Start or continue the log; `step` is the last step taken."""
        self.out.mkdir(parents=True, exist_ok=True)
        parts = [one.term.kind for one in self.learner.objective.terms]
        more = ["adversary", "critic"] if self.learner.adversary else []
        self.log = TrainingLog(self.out, [*parts, *more], step, board=self.lasting)

    def start(self) -> list[str]:
        """Validate and write the network before its first step, if it learns from noisy images.

        Return messages for the user.
        """
        if not self.pictures or not self.pairs:
            return []
        self.best = judgement(self.learner.result, self.pairs)
        self.least, self.start_psnr = self.best.least, self.best.psnr
        self._write(0, 0.0, self._corrected(), self.best.psnr)
        return [f"before the first step: {self.best.psnr:.3f} dB (estimated)"]

    @property
    def outcome(self) -> str:
        """A note about the network that was written, or ""."""
        if not self.pictures or not self.pairs:
            return ""
        gain = self.best.psnr - self.start_psnr
        if not 0 < gain < math.inf:
            return "; no step was clearly better: it is the network at the start"
        return f"; it is {gain:.2f} dB better than at the start (estimated)"

    def close(self) -> None:
        """Close the log's files."""
        if self.log is not None:
            self.log.close()

    def report(self, step: int, seconds: float, *, judges: bool, saved: int) -> None:
        """Write a row of the log; if `judges`, validate the network and save it if it is the best.

        Parameters
        ----------
        step, saved : int
            The last step taken, and the last step whose state was saved.
        seconds : float
            Training time up to this step.
        judges : bool
            Whether to validate, if there are pairs.

        Raises
        ------
        TrainingError
            If the loss or a gradient became NaN or infinite.
        """
        means = self.means(step, saved)
        self.totals = Totals()
        self.loss = means["loss"]
        if self.log is None:
            return
        rate = self.learner.descent.optimiser.param_groups[0]["lr"]
        row = {"seconds": seconds, "learning_rate": rate, **means}
        if judges:
            found = judgement(self.learner.result, self.pairs)
            self.psnr = row["psnr"] = found.psnr
            self.better = found.exceeds(self.least) and found.merit > self.best.merit
            if self.better:
                self.best = found
                self.export(step, seconds)
        self.log.add(step, row)

    def means(self, step: int, saved: int) -> dict[str, float]:
        """Return the mean losses since the last report.

        Parameters
        ----------
        step, saved : int
            As in `report`.

        Raises
        ------
        TrainingError
            If a loss or a gradient is NaN or infinite in any process.
        """
        means = self.totals.means()
        healthy = means.pop("healthy", 1.0)
        if distributed.anywhere(healthy < 1, self.device):
            shown = ", ".join(f"{key} {value:g}" for key, value in means.items())
            kept = "nothing was saved yet"
            if saved and self.lasting:
                kept = f"the state of step {saved} is kept in {self.out}"
            raise TrainingError(
                f"training diverged by step {step}: the loss or a gradient became NaN or "
                f"infinite ({shown}); {kept}. A "
                "lower learning rate, clipping (run.clip) or bfloat16 instead of float16 may help"
            )
        return means

    def export(self, step: int, seconds: float) -> None:
        """Write the network as a checkpoint with a card; arguments as in `report`."""
        self._write(step, seconds, self._corrected(), self.psnr)

    def _corrected(self) -> Network:
        """Return the network that is written; from noisy images, it keeps their intensities."""
        network = self.learner.result
        if self.pictures:
            network = copy.deepcopy(network).eval()
            keep_intensity(network, self.pictures, self.config)
        return network

    def _write(self, step: int, seconds: float, network: Network, psnr: float | None) -> None:
        how = Reached(step, seconds, psnr, device_words(self.device, self.place.world))
        export(self.result, network.state_dict(), training_card(self.config, how))

    def state(self) -> dict[str, Any]:
        """Return the state that resuming needs."""
        return {
            "best": self.best.psnr,
            "merit": self.best.merit,
            "start_psnr": self.start_psnr,
            "least_judged": tuple(self.least),
            "sums": self.totals.sums,
            "counts": self.totals.counts,
        }
