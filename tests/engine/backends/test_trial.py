"""Trials of segments: right segments are written, wrong segments are refused."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch
from stages import example

from napari_sr.engine.backends import compilers, library, trial
from napari_sr.engine.backends.fingerprint import fingerprint
from napari_sr.engine.backends.trial import Job, Wanted, dump, run
from napari_sr.engine.planning.segments import Segment
from napari_sr.graph.chain import IMAGE, RESULT, with_one_writer_each
from napari_sr.layers import colour
from napari_sr.layers.colour import chain_for

INSTALLED = compilers.installed()
pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs OpenVINO or ONNX Runtime")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def job(name="fsrcnn", size=(20, 24), engine=INSTALLED[0] if INSTALLED else "", channels=1):
    network = example(name)
    chain = with_one_writer_each(chain_for(network, channels))
    segment = Segment(tuple(range(len(chain))), True, (IMAGE,), (RESULT,))
    wanted = Wanted("one", segment, size)
    image = torch.rand(1, channels, 30, 30)
    return Job(network, image, (wanted,), engine, "float32", torch.get_num_threads())


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_right_segment_is_written_with_its_verdict(folder, engine):
    run(job(engine=engine))

    verdict = library.verdict_of("one")
    assert verdict.right
    assert verdict.error < 2e-5
    assert min(verdict.milliseconds, verdict.torch_milliseconds) > 0
    files = {f"one{suffix}" for suffix in compilers.COMPILERS[engine].SUFFIXES}
    assert {path.name for path in folder.iterdir()} == {*files, "one.json"}


@pytest.mark.parametrize("engine", INSTALLED)
def test_what_the_first_run_of_a_process_caches_is_not_traced(engine):
    colour._matrices.cache_clear()

    run(job(engine=engine, channels=3))

    assert library.verdict_of("one").right


def test_a_file_that_another_process_reads_is_replaced_and_never_changed(folder):
    file = folder / f"one{compilers.COMPILERS[INSTALLED[0]].SUFFIXES[0]}"
    file.write_bytes(b"old")
    with file.open("rb") as reader:
        run(job())

        assert reader.read() == b"old"
    assert file.stat().st_size > 3


def test_a_trial_has_the_threads_of_the_process_that_asks(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)

    run(replace(job(), threads=7))

    assert asked == [7]


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_wrong_segment_is_refused_with_its_error(folder, monkeypatch, engine):
    compiler = compilers.COMPILERS[engine]
    convert = compiler.convert
    monkeypatch.setattr(
        compiler,
        "convert",
        lambda function, *rest: convert(lambda *x: (function(*x)[0] * 1.01,), *rest),
    )

    run(job(engine=engine))

    verdict = library.verdict_of("one")
    assert not verdict.right
    assert "differ from PyTorch's by 1" in verdict.why
    assert {path.name for path in folder.iterdir()} == {"one.json"}


@pytest.mark.parametrize("engine", INSTALLED)
def test_errors_of_a_compiler_are_verdicts(monkeypatch, engine):
    compiler = compilers.COMPILERS[engine]
    for error in (RuntimeError, *compiler.errors()):

        def fails(*_, error=error):
            raise error("no such operation")

        monkeypatch.setattr(compiler, "convert", fails)

        run(job(engine=engine))

        assert library.verdict_of("one").why == f"{error.__name__}: no such operation"
        (library.folder() / "one.json").unlink()


def test_each_trial_has_a_time_limit_and_a_finished_one_ends_it(monkeypatch):
    calls = []
    compiler = compilers.COMPILERS[INSTALLED[0]]
    convert = compiler.convert
    monkeypatch.setattr(
        trial.faulthandler,
        "dump_traceback_later",
        lambda seconds, **how: calls.append((seconds, how["exit"])),
    )
    monkeypatch.setattr(
        compiler, "convert", lambda *what: (calls.append("trial"), convert(*what))[1]
    )
    monkeypatch.setattr(
        trial.faulthandler, "cancel_dump_traceback_later", lambda: calls.append("end")
    )

    run(job())

    assert calls == [(trial.MOST_SECONDS_EACH, True), "trial", "end"]


def test_a_job_survives_the_way_to_another_process():
    sent = job()

    came = torch.load(io.BytesIO(dump(sent)), weights_only=False)

    assert torch.equal(came.image, sent.image)
    assert came.wanted == sent.wanted
    assert fingerprint(came.network) == fingerprint(sent.network)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("basic_ios::clear: iostream error")])
def test_a_full_memory_or_disk_is_no_verdict(monkeypatch, folder, error):
    def fails(*_):
        raise error

    monkeypatch.setattr(compilers.COMPILERS[INSTALLED[0]], "convert", fails)

    run(job())

    assert list(folder.iterdir()) == []
