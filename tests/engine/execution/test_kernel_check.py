from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from fakes import Nearest

import sr_kernels
from napari_sr.engine.execution import kernel_check
from napari_sr.engine.execution.kernel_check import check_kernels, in_words, waves, wrong_kernels
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.layers.colour import chain_for
from napari_sr.models import architecture
from sr_kernels import _choice, _op, _self_check

CPU = torch.device("cpu")


@pytest.fixture
def network():
    torch.manual_seed(0)
    record = architecture("bsrn")
    return record.network(**{**record.example, "blocks": 1}).eval()


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Let "auto" run kernels in Triton's interpreter, with the checks of a GPU."""
    _self_check.forget_verdicts()
    monkeypatch.setattr(kernel_check, "SIZES", ((15, 16),))  # the interpreter is slow
    monkeypatch.setattr(_choice, "INTERPRETED", False)
    monkeypatch.setattr(_choice, "_obstacle", lambda kinds: None)
    yield
    _self_check.forget_verdicts()


@pytest.mark.usefixtures("as_on_a_gpu")
def test_all_kernels_of_a_network_are_launched_and_right(network):
    channels = 3
    network.half()

    found = check_kernels(chain_for(network, channels), network, channels, CPU)

    assert found == {}
    assert {name for name, *_ in _self_check._verdicts} >= {"bsconv", "esdb_tail", "esa_pool"}
    assert all(_self_check._verdicts.values())


def test_the_sizes_of_both_images_suit_the_network(monkeypatch):
    seen = []
    monkeypatch.setattr(kernel_check, "run", lambda chain, image, values: seen.append(image.shape))
    network = Nearest()
    network.multiple = 8

    check_kernels((), network, 4, CPU)

    assert seen == [(1, 4, 64, 96), (1, 4, 56, 80)]


def test_a_network_that_accepts_no_small_image_is_not_run(monkeypatch):
    monkeypatch.setattr(kernel_check, "run", lambda chain, image, values: pytest.fail("ran"))
    network = Nearest()
    network.least_size = 200

    assert check_kernels((), network, 1, CPU) == {}


def test_the_sentence_names_device_kernels_and_reason():
    words = in_words({"bsconv": "OutOfResources: shared memory", "esa_mix": "?"}, CPU)

    assert "bsconv, esa_mix cannot be used on cpu" in words
    assert "OutOfResources: shared memory" in words
    assert in_words({}, CPU) == ""


def test_the_image_stays_between_black_and_white():
    image = waves(4, 61, 87)

    assert image.shape == (1, 4, 61, 87)
    assert 0 <= image.min() < image.max() <= 1


def test_an_operator_is_checked_unless_kernels_are_demanded(monkeypatch):
    op = sr_kernels.op("gated_residual")  # its import registers the operator
    asked = []
    monkeypatch.setattr(_op, "runs_fused", lambda *tensors: True)
    monkeypatch.setattr(
        _op, "launch_checked", lambda *each: asked.append(each[0]) or each[3][0] * 0
    )
    x, gate = torch.ones(1, 8, 3, 3), torch.ones(1, 8, 1, 1)

    result = torch.ops.napari_sr.gated_residual(x, gate, None)

    assert asked == ["gated_residual"]
    assert not result.any()

    with sr_kernels.use_kernels("triton"):
        demanded = torch.ops.napari_sr.gated_residual(x, gate, None)

    assert asked == ["gated_residual"]
    assert torch.equal(demanded, op.reference(x, gate))


def test_a_gpu_s_kernels_are_checked_if_they_are_chosen_automatically(monkeypatch):
    asked = []
    monkeypatch.setattr(
        kernel_check, "check_kernels", lambda *each: asked.append(each) or {"bsconv": "wrong"}
    )
    plan = make_plan(layout_of((9, 9), "float32"), Nearest(), Settings(device="cpu"))
    on_gpu = replace(plan, device=torch.device("cuda", 0), precision=torch.float16)

    def check(kernels, where):
        run_context = SimpleNamespace(
            kernels=kernels, network=None, layout=SimpleNamespace(channels=1), chain=lambda *_: None
        )
        return wrong_kernels(run_context, where)

    assert check("auto", on_gpu) == {"bsconv": "wrong"}
    assert [check("triton", on_gpu), check("reference", on_gpu), check("auto", plan)] == [{}] * 3
    assert len(asked) == 1
