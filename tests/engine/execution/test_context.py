"""The state of a run: one copy of the network on the device for each precision."""

from __future__ import annotations

import numpy as np
import torch
from fakes import Nearest

from napari_sr.engine.execution.context import Progress, RunContext
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.guards import Diagnostics
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings


def test_a_network_is_put_on_the_device_once_in_each_precision():
    network = Nearest()
    layout = layout_of((6, 7), np.float32)
    plan = make_plan(layout, network, Settings(device="cpu"))
    values, output = ValueRange(0.0, 1.0), np.zeros((12, 14), np.float32)
    context = RunContext(
        network, layout, output, layout.enlarged(2), values, "auto", "clip", Diagnostics()
    )

    first = context.chain(plan, torch.float32)

    assert context.chain(plan, torch.float32) is first
    assert list(context.chains) == [torch.float32]
    context.chain(plan, torch.bfloat16)
    assert list(context.chains) == [torch.float32, torch.bfloat16]


def test_contexts_of_two_runs_share_nothing():
    layout = layout_of((6, 7), np.float32)
    one, other = (
        RunContext(Nearest(), layout, np.zeros(1), layout, ValueRange(0.0, 1.0), "auto", "clip",
                   Diagnostics())
        for _ in range(2)
    )  # fmt: skip

    assert one.chains is not other.chains
    assert one.backend is not other.backend


def test_unknown_fields_of_progress_are_empty():
    assert Progress(1, 4) == Progress(1, 4, message="", share=0.0, seconds_left=None)
