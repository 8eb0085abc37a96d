"""Make the recipe that fine-tunes a base model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.runs import loading
from napari_sr.training import recipe
from napari_sr.training.component import ComponentSpec
from napari_sr.training.config import Config, Data, Initialisation, Run, Term
from napari_sr.training.optim_config import Optimiser, Schedule
from napari_sr.zoo import recognition

if TYPE_CHECKING:
    from napari_sr.training.finetuning.config import BaseModel
    from napari_sr.training.finetuning.self_supervision import SelfSupervision

SMALL = 100_000
"""Largest number of weights of a network that gets the higher learning rate."""
RATES = 2e-3, 2e-4
"""Learning rates of small networks and of others. In half a minute on the sample `spots`, FSRCNN x2
went from 33.3 dB to 48.0 dB at a rate of 2e-3, and to 45.9 dB at 5e-4 (bicubic: 43.2 dB); on
`tissue`, it reached 35.5 and 35.4 dB."""
WARM_UP = 0.02
"""Share of all steps with a rising learning rate."""
AVERAGED = 0.999
"""Decay of the running mean of the weights, which covers about 1000 steps, and fewer at first."""
AVERAGED_NOISY = 0.99
"""The same when learning from noisy images alone, which takes only some hundred steps."""
CLIP = 1.0
"""Largest norm of a gradient; normal fine-tuning never reaches it."""


def config_of(base_model: BaseModel, scale: int, data: Data, name: str) -> Config:
    """Return a recipe with one step; `with_steps` sets the number of steps later.

    Parameters
    ----------
    base_model : BaseModel
        The network to train.
    scale : int
        Enlargement factor.
    data : Data
        The recipe's settings for images.
    name : str
        Name of the result's file.

    Raises
    ------
    ValueError
        If the checkpoint or the recipe is missing, broken or has another scale, or if its network
        is not defined in napari-sr.
    napari_sr.zoo.download.DownloadError
        If a known model cannot be downloaded.
    """
    if base_model.recipe:
        known = recipe.read(base_model.recipe)
        data = replace(data, grey=known.data.grey)
        return replace(known, scale=scale, scales=(), data=data, run=_run(1), name=name,
                       schedule=_schedule(1))  # fmt: skip
    weights = loading.read(base_model.model)
    record, state, found = recognition.recognise(weights.checkpoint.tensors)
    if weights.grey is None:
        grey = found.get("channels") == 1 and record.network.full_range
    else:
        grey = weights.grey
    data = replace(data, grey=data.grey or grey)
    exists = found.pop("scales", None) or (found.pop("scale", scale),)
    if scale not in exists:
        scales = ", ".join(map(str, exists))
        raise ValueError(f"scale must be {scales} for {base_model.title}, got {scale}")
    kind = record.network.__module__.rpartition(".")[2]
    rate = RATES[sum(value.numel() for value in state.values()) > SMALL]
    return Config(
        scale=scale,
        scales=(scale,) if len(exists) > 1 else (),
        network=ComponentSpec(kind, {**found, **weights.options}),
        data=data,
        loss=(Term("l1"),),
        run=_run(1),
        optimiser=Optimiser(learning_rate=rate),
        schedule=_schedule(1),
        start=Initialisation("checkpoint", str(weights.file)),
        name=name,
    )


def of_noisy(config: Config, supervision: SelfSupervision) -> Config:
    """Return the recipe with the degradation and the losses for noisy images alone."""
    data = replace(config.data, degradation=supervision.degradation)
    run = replace(config.run, ema=AVERAGED_NOISY)
    return replace(config, data=data, loss=supervision.losses, run=run)


def with_steps(config: Config, steps: int, judged: int) -> Config:
    """Return the recipe with `steps` steps and about `judged` validations."""
    every = max(1, steps // max(judged, 1))
    run = replace(_run(steps), validate_every=every, save_every=steps, ema=config.run.ema)
    return replace(config, run=run, schedule=_schedule(steps))


def _run(steps: int) -> Run:
    return Run(
        steps=steps,
        ema=AVERAGED,
        clip=CLIP,
        # speed is more important than repeatability: a user waits, and never resumes
        deterministic=False,
        report_every=max(1, steps // 200),
    )


def _schedule(steps: int) -> Schedule:
    return Schedule("cosine", warm_up=round(WARM_UP * steps), floor=0.01)
