"""Targets are judged by what was measured, and known to be possible."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_sr import models


@pytest.mark.parametrize(
    ("found", "verdict"), [(9.0, "reached"), (5.0, "NOT REACHED"), (None, "not measured")]
)
def test_a_target_is_reached_or_not_or_unknown(benchmark, found, verdict):
    targets = benchmark("gpu/targets")
    result = targets.Result("bsrn", targets.SMALL, 0.5, is_op=False)
    if found:
        result.milliseconds = {"eager": found, "ours": 2.0, "ours, graph": 1.0}

    first, *_ = targets.targets([result], {}, {})

    assert (first.what, first.found) == ("bsrn x4, 320 x 180: times faster than eager", found)
    assert first.verdict == verdict


def test_the_targets_of_bsrn_s_follow_from_its_operations(benchmark):
    targets = benchmark("gpu/targets")
    with torch.device("meta"):
        networks = {name: models.architecture(name).network(scale=4) for name in ("rfdn", "imdn")}
        networks |= {"rlfn": benchmark("gpu/rlfn").RLFN()}
        ours = models.architecture("bsrn_s").network(scale=4)

    def operations(network):
        with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
            network.eval()(torch.zeros(1, 3, 180, 320))
        return counter.get_total_flops()

    promised = {name: operations(each) / operations(ours) for name, each in networks.items()}
    assert promised == pytest.approx(targets.RIVALS, rel=0.005)


def test_an_op_that_moves_next_to_nothing_has_no_floor_to_reach(benchmark):
    targets = benchmark("gpu/targets")
    ceilings = {"GB/s": 1000.0, "TFLOP/s": 100.0}
    large = targets.Result("bsconv", targets.LARGE, 0.5, is_op=True, bytes=10**9)
    small = targets.Result("contrast_gate", targets.LARGE, 0.5, is_op=True, bytes=10**3)
    for result in (large, small):
        result.milliseconds = {"ours": 2.0}

    found = targets.targets([large, small], ceilings, {})

    shares = {target.what: target.found for target in found if "floor" in target.what}
    assert shares == {"bsconv, 2048 x 2048: share of its floor": pytest.approx(0.5)}


def test_lower_is_better_if_a_target_is_a_limit(benchmark):
    targets = benchmark("gpu/targets")
    values = {"bsrn": {"float32": 32.35, "float16": 32.30}}

    *_, last = targets.targets([], {}, values)

    assert last.found == pytest.approx(0.05)
    assert last.verdict == "NOT REACHED"
