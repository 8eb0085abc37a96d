"""Trainings so small that tests can afford them."""

from __future__ import annotations

import numpy as np

from napari_sr.training import recipe
from napari_sr.training.data.pictures import of_array
from napari_sr.training.data.training_data import TrainingData

TINY = {
    "name": "tiny",
    "scale": 2,
    "network": {"kind": "fsrcnn", "options": {"features": 4, "shrunk": 2, "layers": 1}},
    "data": {"crop": 8, "batch": 2},
    "loss": [{"kind": "l1"}],
    "run": {"steps": 6, "report_every": 2, "validate_every": 4, "save_every": 2},
}
SRGAN = {"kind": "srgan", "options": {"features": 4, "blocks": 1}}
CRITIC = {"kind": "srgan", "options": {"features": 2}}


def table(**changes):
    """Return a recipe's tables; a table given is laid over the one that is there."""
    return {**TINY, **{key: {**TINY.get(key, {}), **value} if isinstance(value, dict) else value
                       for key, value in changes.items()}}  # fmt: skip


def tiny(**changes):
    return recipe.parse(table(**changes), "tiny.toml")


def discs(random, size=40, channels=3):
    """Return an 8-bit image of soft discs, which can be learnt."""
    y, x = np.mgrid[0:size, 0:size]
    image = np.zeros((size, size, channels))
    for _ in range(12):
        (top, left), radius = random.uniform(0, size, 2), random.uniform(4, size / 3)
        inside = np.clip(radius - np.hypot(y - top, x - left), 0, 1)[..., None]
        image = image * (1 - inside) + inside * random.uniform(0, 255, channels)
    return image.astype(np.uint8)


def pictures(count=2, size=40, seed=0):
    random = np.random.default_rng(seed)
    return [one for _ in range(count) for one in of_array(discs(random, size), axes="YXC")]


def training_data(count=2, held_out=1, size=40):
    every = pictures(count + held_out, size)
    return TrainingData(every[:count], every[count:])
