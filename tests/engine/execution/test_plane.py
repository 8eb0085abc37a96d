"""One plane: missing pixels, implausible results, half precision that fails, and cancelling."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from fake_recorder import FakeRecorder
from fakes import Global, Hungry, Nearest, Wild, finish

from napari_sr.engine.execution import plane as module
from napari_sr.engine.execution import prepared as run_module
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import Settings
from napari_sr.models import architecture


def run(image, network, **options):
    settings = Settings(device="cpu", **options)
    return finish(upscale_array(image, network, settings))[1]


def bsrn():
    torch.manual_seed(0)
    record = architecture("bsrn")
    return record.network(**record.example).eval()


@pytest.fixture
def colour(random):
    return random.random((50, 47, 3)).astype(np.float32)


@pytest.mark.parametrize("tile", [1024, 30])
def test_missing_pixels_are_missing_in_the_result(tile, random):
    image = random.random((40, 41)).astype(np.float32)
    image[7, 9], image[20:30, 5:35] = np.nan, np.nan

    result = run(image, Nearest(radius=1), tile=tile)

    missing = np.isnan(image).repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(np.isnan(result.pixels), missing)
    assert result.record["guards"]["masked_pixels"] == 1 + 10 * 30


def test_missing_pixels_leave_no_trace_of_tiles(colour):
    colour[10:20, 15:40, 1] = np.nan

    whole, tiled = (run(colour, bsrn(), tile=tile).pixels for tile in (1024, 30))

    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5 * np.nanmax(np.abs(whole)))


def test_a_plane_of_one_tile_reports_its_progress(colour, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.execution.tile.BREATH", 0.0)  # the plane is small
    steps = [*upscale_array(colour, bsrn(), Settings(device="cpu"))]

    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert len({share for share in shares if 0 < share < 1}) > 10
    assert {step.done for step in steps} == {0, 1}
    assert shares[-1] == 1


def test_the_result_of_a_plane_without_values_has_none():
    assert np.isnan(run(np.full((20, 20), np.nan, np.float32), Nearest()).pixels).all()


@pytest.mark.parametrize("tile", [1024, 30])
def test_implausible_values_are_clipped_reported_and_recorded(tile):
    image = np.full((40, 40), 0.5, np.float32)
    image[3, 4] = 1

    progress, result = finish(upscale_array(image, Wild(), Settings(device="cpu", tile=tile)))

    # 0.5 beyond the plane's 0.5 to 1
    assert result.pixels.max() == 1.5
    assert result.pixels[:6, :6].tolist() == np.full((6, 6), 0.5).tolist()
    guards = result.record["guards"]
    assert (guards["outliers"], guards["outliers_at"]) == (4, ["y=0, x=0"])
    assert "4 values of the result, from " in result.record["notes"][-1]
    assert progress[-1].done == progress[-1].total


def test_implausible_values_are_marked_or_kept_if_chosen():
    image = np.full((20, 20), 0.5, np.float32)
    image[3, 4] = 1

    marked, kept = (run(image, Wild(), outliers=word).pixels for word in ("mark", "keep"))

    assert np.isnan(marked).sum() == 4
    assert kept.max() == 1000


def test_overshoot_is_not_clipped(colour):
    network = Nearest(channels=3)
    with torch.no_grad():
        network.weight.fill_(1.4)

    result = run(colour, network)

    np.testing.assert_allclose(result.pixels[::2, ::2], colour * 1.4, rtol=1e-6)
    assert result.record["guards"]["outliers"] == 0


def test_a_plane_whose_features_overflow_is_computed_again_in_float32(colour):
    network = bsrn()
    with torch.no_grad():
        network.head.depthwise.bias.fill_(1e5)

    progress, result = finish(
        upscale_array(
            colour, network, Settings(device="cpu", precision="float16", tile=30, outliers="keep")
        )
    )

    expected = run(colour, network, tile=30, outliers="keep").pixels
    np.testing.assert_array_equal(result.pixels, expected)
    assert any("computed again in float32" in step.message for step in progress)
    assert result.record["guards"]["recomputed_in_float32"] == 1


@pytest.mark.parametrize("tile", [None, 30])
def test_features_that_are_not_finite_in_float32_end_the_run(colour, tile):
    network = bsrn()
    with torch.no_grad():
        network.head.depthwise.bias.fill_(torch.inf)

    with pytest.raises(ValueError, match="the network returned NaN or infinite values at y=0"):
        run(colour, network, tile=tile)


def mapped_files(folder):
    return [each.path for each in psutil.Process().memory_maps() if str(folder) in each.path]


def test_closing_a_run_inside_a_stage_leaves_neither_memory_nor_files(
    colour, tmp_path, monkeypatch
):
    monkeypatch.setenv("NAPARI_SR_SCRATCH", str(tmp_path))
    monkeypatch.setattr(module, "memory_for_features", lambda: 0)
    steps = upscale_array(colour, bsrn(), Settings(device="cpu", tile=30))
    for _ in range(20):
        next(steps)
    assert mapped_files(tmp_path)

    steps.close()
    gc.collect()

    assert not mapped_files(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_plane_that_starts_again_frees_the_memory_of_its_engine(monkeypatch, random):
    resets = []
    monkeypatch.setattr(run_module.Graphs, "reset", lambda self: resets.append(self))
    image = random.random((24, 24)).astype(np.float32)

    result = run(image, Hungry(limit=200), tile=24)

    assert len(resets) == 1
    np.testing.assert_array_equal(result.pixels, image.repeat(2, 0).repeat(2, 1))


def test_every_tile_of_every_stage_is_reported(colour):
    progress, _ = finish(upscale_array(colour, bsrn(), Settings(device="cpu", tile=30)))

    # the last progress reports overshoot
    assert [step.done for step in progress if not step.message] == list(
        range(1, progress[-1].total + 1)
    )


@pytest.fixture
def captured(monkeypatch):
    """Let runs capture tiles of up to so many pixels on the CPU; keep the graphs of all runs."""
    what = SimpleNamespace(pixels=10**6, graphs=[])

    class Captured(run_module.Graphs):
        def __init__(self):
            super().__init__(recorder=FakeRecorder(), pixels=what.pixels)
            what.graphs.append(self)

    monkeypatch.setattr(run_module, "Graphs", Captured)
    return what


@pytest.mark.parametrize(("side", "graphs"), [(20, 1), (21, 0)])
def test_planes_of_a_stack_use_one_graph_if_they_are_small(
    random, captured, monkeypatch, side, graphs
):
    monkeypatch.setattr(captured, "pixels", 20 * 20)
    stack = random.random((3, 20, side)).astype(np.float32)

    result = run(stack, Nearest())

    tally = {
        "name": "torch",
        "captured": graphs,
        "replayed": 2 * graphs,
        "refused": 0,
        "reasons": [],
    }
    assert result.record["engine"] == tally
    np.testing.assert_array_equal(result.pixels, stack.repeat(2, 1).repeat(2, 2))


def test_off_cuda_there_is_nothing_to_capture(random):
    record = run(random.random((3, 20, 21)).astype(np.float32), Nearest()).record

    assert record["engine"]["name"] == "torch"
    assert (record["engine"]["captured"], record["engine"]["refused"]) == (0, 0)


def test_planes_of_a_stack_use_the_graphs_of_the_first(colour, captured):
    one, two = (run(np.stack([colour] * many), bsrn(), tile=40) for many in (1, 2))

    first, both = (each.record["engine"] for each in (one, two))
    assert first["captured"] == both["captured"] >= 2
    # the first tile of all runs plainly
    assert both["replayed"] == 2 * first["replayed"] + first["captured"]
    for result in two.pixels:
        np.testing.assert_allclose(result, one.pixels[0], rtol=0, atol=1e-6)


def test_a_run_that_is_closed_frees_its_graphs(colour, captured):
    steps = upscale_array(colour, bsrn(), Settings(device="cpu", tile=40))
    next(steps)
    [graphs] = captured.graphs
    while not graphs.tally["replayed"]:
        next(steps)
    assert graphs.bytes

    graphs._recorder.recordings.clear()
    steps.close()

    assert graphs.bytes == 0


def test_each_plane_of_a_stack_is_exact(random):
    stack = random.random((2, 40, 41)).astype(np.float32)

    tiled = run(stack, Global(), tile=20).pixels

    for plane, result in zip(stack, tiled, strict=True):
        np.testing.assert_allclose(result, run(plane, Global()).pixels, atol=1e-6)
