"""Trials of segments: right ones are written, wrong ones refused."""

from __future__ import annotations

import io

import pytest
import torch

from napari_sr.engine.backends import library, openvino_trial
from napari_sr.engine.backends.openvino_trial import Job, Wanted, dump, run
from napari_sr.engine.planning.segments import Segment
from napari_sr.graph.chain import IMAGE, RESULT, with_one_writer_each
from napari_sr.layers.colour import chain_for
from napari_sr.models import architecture

pytest.importorskip("openvino")
from openvino.frontend import OpConversionFailure  # only where it is installed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def job(name="fsrcnn", size=(20, 24)):
    torch.manual_seed(0)
    record = architecture(name)
    network = record.network(**record.example).eval()
    chain = with_one_writer_each(chain_for(network, 1))
    segment = Segment(tuple(range(len(chain))), True, (IMAGE,), (RESULT,))
    return Job(network, torch.rand(1, 1, 30, 30), (Wanted("one", segment, size),))


def test_a_right_segment_is_written_with_its_verdict(folder):
    run(job())

    verdict = library.verdict_of("one")
    assert verdict.right
    assert verdict.error < 2e-5
    assert min(verdict.milliseconds, verdict.torch_milliseconds) > 0
    assert {path.name for path in folder.iterdir()} == {"one.xml", "one.bin", "one.json"}


def test_a_wrong_one_is_refused_with_its_error(folder, monkeypatch):
    converted = openvino_trial.converted
    monkeypatch.setattr(
        openvino_trial,
        "converted",
        lambda function, inputs: converted(lambda *x: (function(*x)[0] * 1.01,), inputs),
    )

    run(job())

    verdict = library.verdict_of("one")
    assert not verdict.right
    assert "differ from PyTorch's by 1" in verdict.why
    assert {path.name for path in folder.iterdir()} == {"one.json"}


@pytest.mark.parametrize("error", [RuntimeError, OpConversionFailure], ids=lambda one: one.__name__)
def test_what_the_engine_throws_is_a_verdict(monkeypatch, error):
    def fails(*_):
        raise error("no such operation")

    monkeypatch.setattr(openvino_trial, "converted", fails)

    run(job())

    assert library.verdict_of("one").why == f"{error.__name__}: no such operation"


def test_a_job_survives_the_way_to_another_process():
    sent = job()

    came = torch.load(io.BytesIO(dump(sent)), weights_only=False)

    assert torch.equal(came.image, sent.image)
    assert came.wanted == sent.wanted
    assert library.fingerprint(came.network) == library.fingerprint(sent.network)
