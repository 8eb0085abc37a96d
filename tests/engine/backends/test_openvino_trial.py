"""Trials of segments: right ones are written, wrong ones refused."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch
from stages import example

from napari_sr.engine.backends import library, openvino_trial
from napari_sr.engine.backends.openvino_trial import Job, Wanted, dump, run
from napari_sr.engine.planning.segments import Segment
from napari_sr.graph.chain import IMAGE, RESULT, with_one_writer_each
from napari_sr.layers.colour import chain_for

pytest.importorskip("openvino")
from openvino.frontend import OpConversionFailure  # only where it is installed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def job(name="fsrcnn", size=(20, 24)):
    network = example(name)
    chain = with_one_writer_each(chain_for(network, 1))
    segment = Segment(tuple(range(len(chain))), True, (IMAGE,), (RESULT,))
    return Job(
        network, torch.rand(1, 1, 30, 30), (Wanted("one", segment, size),), torch.get_num_threads()
    )


def test_a_right_segment_is_written_with_its_verdict(folder):
    run(job())

    verdict = library.verdict_of("one")
    assert verdict.right
    assert verdict.error < 2e-5
    assert min(verdict.milliseconds, verdict.torch_milliseconds) > 0
    assert {path.name for path in folder.iterdir()} == {"one.xml", "one.bin", "one.json"}


def test_a_file_that_another_process_reads_is_replaced_and_never_changed(folder):
    (folder / "one.bin").write_bytes(b"old")
    with (folder / "one.bin").open("rb") as reader:
        run(job())

        assert reader.read() == b"old"
    assert (folder / "one.bin").stat().st_size > 3


def test_a_trial_has_the_threads_of_the_process_that_asks(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)

    run(replace(job(), threads=7))

    assert asked == [7]


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
