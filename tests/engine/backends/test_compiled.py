"""OpenVINO's runs equal PyTorch's up to rounding; PyTorch computes what OpenVINO cannot."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fakes import Nearest, finish
from stages import example

from napari_sr.engine.backends import (
    choice,
    compiled,
    compiled_segments,
    compilers,
    held_segments,
    library,
    loaded,
    trial,
    trial_requests,
)
from napari_sr.engine.backends.interface import SegmentKey
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.segments import Segment, function_of
from napari_sr.engine.planning.settings import ENGINE_VARIABLE, Settings
from napari_sr.graph.chain import IMAGE, with_one_writer_each
from napari_sr.layers.colour import chain_for
from napari_sr.runs.run import drive

INSTALLED = compilers.installed()
pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs OpenVINO or ONNX Runtime")
UNKNOWN_ELSEWHERE = lambda x: x  # noqa: E731


class Repeats:
    """A compiler for one function, which repeats pixels and multiplies them by a factor."""

    SUFFIXES, PRECISIONS, EXTRA = (), ("float32",), "none"

    def __init__(self, factor):
        self._factor = factor

    def version(self):
        return "1"

    def load(self, path, precision, cache):
        return self

    def errors(self):
        return ()

    def start(self):
        return self

    def steps(self, tensors, seconds):
        yield 0.5
        return [tensors[0].repeat_interleave(2, -2).repeat_interleave(2, -1) * self._factor]

    def free(self):
        pass


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Keep compiled segments in a folder of the test, and try them in this process."""
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(compiled_segments, "LOADED", loaded.LoadedModels())
    monkeypatch.setattr(trial_requests, "ASKED", set())
    monkeypatch.setattr(loaded, "LOOK_AGAIN", 0.0)
    jobs = []

    def submit(content, names):
        jobs.append(names)
        with torch.inference_mode(False):
            trial.run(torch.load(io.BytesIO(content), weights_only=False))

    monkeypatch.setattr(trial_requests.TRIALS, "submit", submit)
    return jobs


def run(image, network, engine=INSTALLED[0] if INSTALLED else "", **options):
    settings = Settings(device="cpu", engine=engine, outliers="keep", **options)
    result = finish(upscale_array(image, network, settings))[1]
    compiled_segments.LOADED.wait()
    return result


def image_of(channels, random, size=(40, 47)):
    shape = (*size, 3) if channels == 3 else size
    return random.random(shape).astype(np.float32)


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize(("name", "tile"), [("fsrcnn", 1024), ("fsrcnn", 40), ("bsrn", 40)])
def test_it_computes_what_pytorch_does(name, tile, engine, random):
    network, image = example(name), image_of(3, random, (60, 67))
    plain = run(image, network, "torch", tile=tile)

    results = [run(image, network, engine, tile=tile) for _ in range(4)]

    engines = [result.record["engine"]["segments"] for result in results]
    assert engines[0][engine] == 0  # nobody waits
    assert [results[at].record["engine"]["name"] for at in (0, -1)] == ["torch", engine]
    assert engines[-1][engine] > 0
    reach = float(np.ptp(plain.pixels))
    for result in results:
        np.testing.assert_allclose(result.pixels, plain.pixels, rtol=0, atol=1e-5 * reach)
    assert results[-1].record["engine"]["largest_error"] < 2e-5


def test_changed_weights_are_compiled_again(random, here):
    network, image = example("fsrcnn"), image_of(1, random)
    for _ in range(3):
        run(image, network)
    with torch.no_grad():
        network.enlarge.bias += 0.5

    result = run(image, network)

    plain = run(image, network, "torch")
    assert result.record["engine"]["segments"] == {**dict.fromkeys(INSTALLED[:1], 0), "torch": 1}
    np.testing.assert_array_equal(result.pixels, plain.pixels)
    assert len(here) == 2


def test_a_segment_with_wrong_results_is_never_used(random, monkeypatch):
    network, image = example("fsrcnn"), image_of(1, random)
    run(image, network)
    monkeypatch.setattr(compiled, "largest_error", lambda *_: 0.5)

    results = [run(image, network) for _ in range(3)]

    plain = run(image, network, "torch")
    for result in results:
        np.testing.assert_array_equal(result.pixels, plain.pixels)
    assert "differ from PyTorch's by 5.0e-01" in results[-1].record["engine"]["reasons"][0]


def test_where_pytorch_is_as_fast_auto_leaves_it_to_pytorch(random, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_ENGINE", "auto")
    monkeypatch.setattr(library.Verdict, "faster", property(lambda self: False))
    network, image = example("fsrcnn"), image_of(1, random)

    results = [run(image, network, "auto") for _ in range(3)]

    engine = results[-1].record["engine"]
    assert engine["segments"] == {**dict.fromkeys(INSTALLED, 0), "torch": 1}
    assert engine["reasons"] == ["PyTorch is as fast"]


def test_auto_takes_the_fastest_of_the_installed_engines(random, monkeypatch):
    monkeypatch.setenv(ENGINE_VARIABLE, "auto")
    monkeypatch.setattr(choice, "installed", lambda: ["slow", "fast"])
    monkeypatch.setitem(compilers.COMPILERS, "slow", Repeats(1.0))
    monkeypatch.setitem(compilers.COMPILERS, "fast", Repeats(1.0))
    times = {"slow": (2.0, 9.0), "fast": (1.0, 9.0)}
    monkeypatch.setattr(
        trial,
        "_tried",
        lambda job, *_: library.Verdict(True, 0.0, *times[job.engine]),
    )
    network, image = Nearest(channels=1), image_of(1, random)
    network.weight = torch.nn.Parameter(torch.ones(1))

    results = [run(image, network, "auto") for _ in range(4)]

    assert results[-1].record["engine"]["name"] == "fast"
    assert results[-1].record["engine"]["segments"] == {"slow": 0, "fast": 1, "torch": 0}
    np.testing.assert_array_equal(results[-1].pixels, results[0].pixels)


@pytest.mark.skipif(not compilers.openvino.version(), reason="needs OpenVINO")
@pytest.mark.parametrize("most", [1.0, 1e-9])
def test_bfloat16_is_used_where_asked_for_and_near_enough(random, monkeypatch, most):
    monkeypatch.setitem(trial.MOST_ERROR, "bfloat16", most)
    monkeypatch.setitem(compiled.MOST_ERROR, "bfloat16", most)
    network, image = example("edsr"), image_of(3, random)
    plain = run(image, network, "torch")

    results = [run(image, network, "openvino", precision="bfloat16") for _ in range(4)]

    record = results[-1].record
    assert record["precision"] == "float32"  # of PyTorch and of features
    # a processor without bfloat16 computes in float32, exactly enough
    assert record["engine"]["precision"] in ({1.0: ["bfloat16"]}.get(most, ["float32", "bfloat16"]))
    if record["engine"]["precision"] == "float32":
        np.testing.assert_array_equal(results[-1].pixels, plain.pixels)
    else:
        np.testing.assert_allclose(results[-1].pixels, plain.pixels, atol=0.05)


def test_a_network_that_cannot_be_pickled_is_computed_by_pytorch(random, here):
    network, image = example("fsrcnn"), image_of(1, random)
    network.unknown_elsewhere = UNKNOWN_ELSEWHERE

    result = run(image, network)

    assert here == []
    assert result.record["engine"]["name"] == "torch"


def test_an_engine_that_fails_leaves_the_tile_to_pytorch(random, monkeypatch):
    network, image = example("fsrcnn"), image_of(1, random)
    plain = run(image, network)
    run(image, network)

    def fails(*_):
        raise RuntimeError("the shape does not fit")

    model = compilers.COMPILERS[INSTALLED[0]]
    monkeypatch.setattr(model.Loaded, "start", lambda self: SimpleNamespace(steps=fails))
    result = run(image, network)

    np.testing.assert_array_equal(result.pixels, plain.pixels)
    assert result.record["engine"]["name"] == "torch"
    assert any(
        "the shape does not fit" in why for why in run(image, network).record["engine"]["reasons"]
    )


@pytest.mark.parametrize("most", [0, 52 * 59])
def test_only_the_first_results_of_small_planes_are_compared_here(random, monkeypatch, most):
    monkeypatch.setattr(compiled, "MOST_CHECKED", most)
    network, image = example("fsrcnn"), image_of(1, random)
    for _ in range(2):  # tried, then loaded
        run(image, network)

    result = run(image, network)

    assert (result.record["engine"]["segments"]["torch"] > 0) is (most > 0)
    plain = run(image, network, "torch").pixels
    np.testing.assert_allclose(result.pixels, plain, rtol=0, atol=1e-5 * np.ptp(plain))


def test_networks_do_not_pile_up_in_memory_where_trials_are_slow(random, here, monkeypatch):
    network = example("fsrcnn")
    with monkeypatch.context() as patch:
        patch.setattr(type(trial_requests.TRIALS), "full", True)
        run(image_of(1, random), network)
    assert here == []

    run(image_of(1, random), network)

    assert len(here) == 1


def test_weights_that_pytorch_does_not_see_changing_are_seen(random):
    network, image = example("edsr"), image_of(3, random)
    for _ in range(4):
        before = run(image, network)

    for weight in network.parameters():
        weight.data.mul_(1.1)
    found = run(image, network)

    assert before.record["engine"]["name"] == INSTALLED[0]
    np.testing.assert_allclose(found.pixels, run(image, network, "torch").pixels, atol=1e-5)


def test_a_segment_leaves_the_results_of_another_alone(random):
    backend = compiled.Compiled(example("fsrcnn"), 1, INSTALLED[:1], always=True)
    chain = with_one_writer_each(chain_for(backend._network, 1))
    keys = [SegmentKey("any", (at,), chain[at].reads, chain[at].writes) for at in (0, 1)]
    image = torch.rand(1, 1, 40, 40)

    def both():
        results = []
        for key in keys:
            function = function_of(chain, Segment(key.indices, True, key.inputs, key.outputs))
            results += drive(backend.steps(key, function, results or [image]))
        return results

    with torch.inference_mode():
        plain = [result.clone() for result in both()]
        for _ in range(3):
            backend.close()
            compiled_segments.LOADED.wait()
            results = both()

    assert backend.record()["segments"][INSTALLED[0]] > 0
    for result, expected in zip(results, plain, strict=True):
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


def test_a_segment_frees_the_memory_of_the_one_before_it(monkeypatch):
    freed = []
    monkeypatch.setattr(held_segments, "SMALL", 0)

    class Segmental(Repeats):
        def steps(self, tensors, seconds):
            yield 0.5
            return list(tensors)

        def free(self):
            freed.append(self._factor)

    backend = compiled.Compiled(example("fsrcnn"), 1, INSTALLED[:1])
    compiled._CHECKED[backend._network] = {"any"}
    name = INSTALLED[0]
    segments = [
        compiled_segments.CompiledSegment({name: "any"}, name, Segmental(factor), settled=True)
        for factor in (1, 2)
    ]
    key = SegmentKey("any", (0,), ("features",), ("x",))
    for at in (0, 0, 1, 1, 0):
        monkeypatch.setattr(backend, "_current", lambda *given, at=at: segments[at])
        drive(backend.steps(key, lambda x: (x,), (torch.rand(1, 1, 40, 40),)))

    assert freed == [1, 2]
    later = []
    monkeypatch.setattr(held_segments.KEPT, "free_later", lambda name, free: later.append(name))
    backend.close()
    assert (freed, later) == ([1, 2], ["any"])
    drive(backend.steps(key, lambda x: (x,), (torch.rand(1, 1, 40, 40),)))
    backend.reset()
    assert (freed, later) == ([1, 2, 1], ["any"])


def test_the_memory_is_free_while_pytorch_computes_the_same(monkeypatch):
    order = []
    monkeypatch.setattr(Repeats, "free", lambda self: order.append("freed"))
    backend = compiled.Compiled(example("fsrcnn"), 1, INSTALLED[:1])
    segment = compiled_segments.CompiledSegment({INSTALLED[0]: "any"}, INSTALLED[0], Repeats(1))
    monkeypatch.setattr(backend, "_current", lambda *given: segment)

    def function(x):
        order.append("computed")
        return (x.repeat_interleave(2, -2).repeat_interleave(2, -1),)

    key = SegmentKey("any", (0,), ("features",), ("x",))
    drive(backend.steps(key, function, (torch.rand(1, 1, 40, 40),)))

    assert order == ["freed", "computed"]


def test_a_run_that_starts_again_for_lack_of_memory_has_nothing_compiled(random, here, monkeypatch):
    monkeypatch.setattr(compiled_segments, "PATIENCE", 60.0)
    network = example("fsrcnn")
    backend = compiled.Compiled(network, 1, INSTALLED[:1])
    image, key = torch.rand(1, 1, 40, 40), SegmentKey("any", (0,), (IMAGE,), ("x",))
    drive(backend.steps(key, lambda x: (x,), (image,)))

    backend.reset()
    backend.close()

    assert here == []
    drive(backend.steps(key, lambda x: (x,), (image,)))
    backend.close()
    assert len(here) == 1


def test_a_run_that_python_closes_when_it_ends_starts_no_thread(monkeypatch, here):
    later = []
    monkeypatch.setattr(held_segments.KEPT, "free_later", lambda name, free: later.append(name))
    backend = compiled.Compiled(example("fsrcnn"), 1, INSTALLED[:1])
    key = SegmentKey("any", (0,), (IMAGE,), ("x",))
    drive(backend.steps(key, lambda x: (x,), (torch.rand(1, 1, 40, 40),)))
    backend._held.use("any", Repeats(1), 0)
    monkeypatch.setattr(compiled.sys, "is_finalizing", lambda: True)

    backend.close()

    assert (here, later) == ([], [])


def test_an_engine_that_is_not_there_is_refused_before_the_image_is_read():
    class Unread:
        shape, dtype = (20, 20), np.dtype("float32")

        def __getitem__(self, index):
            pytest.fail("the image was read")

    with pytest.raises(ValueError, match=r"engine must be one of .*, got 'fast'"):
        next(upscale_array(Unread(), example("fsrcnn"), Settings(device="cpu", engine="fast")))


def test_a_run_does_not_wait_for_a_network_that_no_trial_can_have(replace_time):
    """Waiting for it would last two minutes."""
    made = compiled.Compiled(example("fsrcnn"), 1, INSTALLED[:1], waits=True)
    made._network.secret = lambda: None  # cannot be pickled
    replace_time(compiled, sleep=lambda seconds: pytest.fail("it waits"))
    key = SegmentKey("any", (0,), (IMAGE,), ("x",))

    assert list(made.ready(key, [torch.rand(1, 1, 30, 30)])) == []
    assert not made.computes(key, [torch.rand(1, 1, 30, 30)])


def test_waiting_for_an_engine_can_be_cancelled(monkeypatch, replace_time):
    made = compiled.Compiled(example("fsrcnn"), 1, INSTALLED[:1], waits=True)
    monkeypatch.setattr(made._requests, "submit", lambda: None)
    monkeypatch.setattr(made._requests, "submit_after", lambda seconds: None)
    slept = []
    replace_time(compiled, sleep=slept.append)
    key = SegmentKey("any", (0,), (IMAGE,), ("x",))

    waiting = made.steps(key, lambda image: (image,), [torch.rand(1, 1, 64, 64)])

    assert [next(waiting) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert slept == [compiled.LOOK_AGAIN] * 3
    waiting.close()
