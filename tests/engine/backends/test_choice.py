"""Which engine computes a run."""

from __future__ import annotations

import pytest
from fakes import Nearest

import napari_sr
from napari_sr.engine.backends import choice, compilers, library
from napari_sr.engine.backends.choice import compiled_for, expected_engine
from napari_sr.engine.backends.compiled import Compiled
from napari_sr.engine.backends.fingerprint import fingerprint
from napari_sr.engine.backends.interface import SegmentKey
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import ENGINE_VARIABLE, Settings
from napari_sr.graph.chain import IMAGE


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    monkeypatch.setattr(choice, "installed", lambda: ["openvino", "onnxruntime"])


def chosen(network=None, **options):
    network = Nearest() if network is None else network
    settings = Settings(device="cpu", **options)
    plan = make_plan(layout_of((20, 20), "uint8"), network, settings)
    return compiled_for(settings, plan, network, 1)


def test_auto_tries_what_is_installed():
    assert isinstance(chosen(), Compiled)
    assert chosen(engine="torch") is None


def test_the_environment_decides_what_auto_means(monkeypatch):
    monkeypatch.setenv(ENGINE_VARIABLE, "torch")

    assert chosen() is None
    assert isinstance(chosen(engine="openvino"), Compiled)


@pytest.mark.parametrize(("engine", "extra"), [("openvino", "openvino"), ("onnxruntime", "onnx")])
def test_without_compilers_auto_is_pytorch_and_a_choice_is_refused(monkeypatch, engine, extra):
    monkeypatch.setattr(choice, "installed", list)

    assert chosen() is None
    with pytest.raises(ValueError, match=rf"is not installed: pip install 'napari-sr\[{extra}\]'"):
        chosen(engine=engine)


def test_half_precision_stays_with_pytorch_unless_an_engine_is_chosen():
    assert chosen(precision="bfloat16") is None
    assert chosen(engine="openvino", precision="bfloat16").record()["precision"] == "float32"
    for engine, precision in [("openvino", "float16"), ("onnxruntime", "bfloat16")]:
        with pytest.raises(ValueError, match=f"got device cpu, precision {precision} and kernels"):
            chosen(engine=engine, precision=precision)


def test_a_formula_needs_no_engine():
    assert chosen(napari_sr.load("bicubic-x2")) is None


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="one of auto, torch, openvino, onnxruntime, got 'fast'"):
        chosen(engine="fast")


def test_bfloat16_is_openvino_s_where_the_environment_chooses_it(monkeypatch):
    monkeypatch.setenv(ENGINE_VARIABLE, "openvino")

    assert isinstance(chosen(precision="bfloat16"), Compiled)


def test_the_expected_engine_is_that_of_earlier_trials(monkeypatch, tmp_path, example):
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path))
    network = example("fsrcnn")

    def expected(engine="auto"):
        settings = Settings(device="cpu", engine=engine)
        plan = make_plan(layout_of((20, 20), "uint8"), network, settings)
        return expected_engine(settings, plan, network, 1)

    before = expected()
    key, weights = SegmentKey("any", (0,), (IMAGE,), ("x",)), fingerprint(network)
    for side, times in [(8, (1, 2)), (9, (2, 7))]:
        name = library.name_of(weights, 1, "openvino", key, [(1, 1, side, side)])
        library.write_verdict(name, library.Verdict(True, 0.0, *times, engine="openvino"))

    assert before == ("torch", 1.0)
    assert expected() == ("openvino", 3.0)
    assert expected("torch") == ("torch", 1.0)
    if compilers.onnxruntime.version():
        assert expected("onnxruntime") == ("torch", 1.0)
