"""Running a chain in stages, tile by tile, gives the same result as running it whole.

More and larger images:
`pytest --hypothesis-profile thorough tests/engine/execution/test_stage_runner.py`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from fake_recorder import FakeRecorder
from fakes import Chunked, Coarse, Global, Nearest, Pooled
from hypothesis import given, settings
from hypothesis import strategies as st
from stages import example

from napari_sr.engine.execution import band_memory
from napari_sr.engine.execution.context import UntrustedError
from napari_sr.engine.execution.feature_store import FeatureStore
from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.execution.replaying import segments_of
from napari_sr.engine.execution.stage_runner import run_stages
from napari_sr.engine.execution.tile import StageContext
from napari_sr.engine.planning.memory import meta_copy
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.chain import IMAGE, RESULT, Step, with_one_writer_each
from napari_sr.layers.colour import chain_for, enlarge
from napari_sr.models import names

CHEAP, DEAR = 0.0, 1e9
"""Cost of moving features; the first makes stages short, the second as long as tiles allow."""


SCALES = {"rrdbnet": (1, 2, 4)}


def work_for(
    network,
    image,
    tile,
    *,
    in_memory=2**30,
    dtype=torch.float32,
    graphs=None,
    strip=0,
    **options,
):
    """Return the context of a tiled run, and the array for its result."""
    channels, (height, width) = image.shape[1], image.shape[-2:]
    network_profile = profile_of(network, channels, dtype)
    strip = strip // network.tile_alignment * network.tile_alignment
    grid = TileGrid(height, width, tile, network.tile_alignment, strip=strip)
    options = {"flops_per_byte": 12.0, **options}
    plan = Stages(network_profile.chain, network_profile.profile, grid, **options)
    assert plan.take_turns or not strip
    scale = network.scale
    result = torch.full((1, channels, scale * height, scale * width), torch.nan)

    def write(rows, columns, values, float32):
        part = result[..., scale * rows.start : scale * rows.stop, :]
        part[..., scale * columns.start : scale * columns.stop] = values

    features = FeatureStore(
        height, width, budget=in_memory, channels_last=True, turns=plan.take_turns
    )
    chain = with_one_writer_each(chain_for(network.to(dtype), channels))
    plane = SimpleNamespace(read=lambda rows, columns: image[..., rows, columns], write=write)
    context = StageContext(
        plan, chain, plane, torch.device("cpu"), features, dtype == torch.float32, backend=graphs
    )
    return context, result


def run_tiled(network, image, tile, **options):
    context, result = work_for(network, image, tile, **options)
    with torch.inference_mode():
        steps = list(run_stages(context))
    # a whole chain is computed link by link
    assert [step for step in dict.fromkeys(steps) if step and step % 1 == 0] == [
        *range(1, context.stages.count + 1)
    ]
    return result


def least_tile(network, channels):
    return profile_of(network, channels, torch.float32).least_tile


def run_whole(network, image):
    with torch.inference_mode():
        return enlarge(network, image)


@pytest.mark.parametrize("name", names())
@given(data=st.data())
def test_tiles_leave_no_seams(name, data):
    thorough = settings.default.max_examples > 20
    network = example(name, scale=data.draw(st.sampled_from(SCALES.get(name, (2, 3, 4)))))
    channels = data.draw(st.sampled_from([1, 3, 4]))
    side = st.integers(network.least_size, 400 if thorough else 64)
    size = [-(-data.draw(side) // network.multiple) * network.multiple for _ in range(2)]
    least = least_tile(network, channels)
    tile = data.draw(st.integers(least, least + (50 if thorough else 30)))
    image = torch.rand(1, channels, *size)

    whole = run_whole(network, image)
    dear = data.draw(st.sampled_from([CHEAP, DEAR]))
    tiled = run_tiled(network, image, tile, flops_per_byte=dear)

    reach = max(float(whole.max() - whole.min()), 1e-3)
    # a result with little variation is right up to the last two bits
    torch.testing.assert_close(tiled, whole, rtol=2.4e-7, atol=1e-5 * reach)


def checkerboard(height, width):
    return ((torch.arange(height)[:, None] + torch.arange(width)) % 2).float()


def impulse(height, width):
    plane = torch.zeros(height, width)
    plane[height // 2, width // 3] = 1
    return plane


@pytest.mark.parametrize("pattern", [torch.ones, torch.zeros, checkerboard, impulse])
@pytest.mark.parametrize("name", ["bsrn", "imdn", "rfdn"])
def test_patterns_show_no_seams(name, pattern):
    network, image = example(name), pattern(41, 52).expand(1, 3, -1, -1)

    whole = run_whole(network, image)

    reach = max(float(whole.max() - whole.min()), 1e-3)
    torch.testing.assert_close(run_tiled(network, image, 30), whole, rtol=0, atol=1e-5 * reach)


@pytest.mark.parametrize("unshuffle", [2, 4])
def test_folded_pixels_stay_on_their_grid(unshuffle):
    network = example("rrdbnet", scale=1, unshuffle=unshuffle, blocks=2)
    image = torch.rand(1, 3, 60, 88)

    tiled = run_tiled(network, image, 64 if unshuffle == 4 else 40, flops_per_byte=CHEAP)

    torch.testing.assert_close(tiled, run_whole(network, image), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", names())
def test_half_precision_in_tiles_errs_at_most_twice_as_much(name):
    network = example(name, scale=SCALES.get(name, (2,))[0])
    tile = least_tile(network, network.channels)
    side = -(-max(tile + 2, network.least_size) // network.multiple) * network.multiple
    image = torch.rand(1, network.channels, side, side + 4 * network.multiple)
    dtype = torch.bfloat16 if len(name) % 2 else torch.float16
    exact = run_whole(network, image)

    tiled = run_tiled(network, image, tile, dtype=dtype)

    whole = run_whole(network.to(dtype), image)
    assert (tiled - exact).abs().max() <= 2 * (whole - exact).abs().max()


@pytest.mark.parametrize("name", names())
def test_one_stage_of_one_tile_equals_the_whole_chain(name):
    network = example(name, scale=SCALES.get(name, (2,))[0])
    side = -(-max(40, network.least_size) // network.multiple) * network.multiple
    image = torch.rand(1, 3, side, side + network.multiple)

    result = run_tiled(network, image, 2 * side, halo=0)

    assert torch.equal(result, run_whole(network, image))


def test_tiles_with_a_chosen_halo_are_independent():
    image = torch.rand(1, 1, 30, 30)

    tiled = run_tiled(Global(), image, 20, halo=5)

    corner = run_whole(Global(), image[..., :20, :20])[..., :30, :30]
    torch.testing.assert_close(tiled[..., :30, :30], corner, rtol=0, atol=0)


def test_an_implausible_tile_of_one_stage_is_computed_again_in_float32():
    network, image = example("bsrn"), torch.rand(1, 3, 30, 30)
    context, result = work_for(network, image, 30, dtype=torch.float16, halo=0)
    written, write = [], context.plane.write

    def doubting(rows, columns, values, float32):
        written.append(float32)
        if not float32:
            raise UntrustedError("in doubt")
        write(rows, columns, values, float32)

    context.plane.write = doubting
    network = example("bsrn")  # `.to` has changed the first one
    exact = with_one_writer_each(chain_for(network, 3))
    context.float32_chain = lambda: exact

    with torch.inference_mode():
        list(run_stages(context))

    assert written == [False, True]
    assert torch.equal(result, run_whole(network, image))


def test_features_in_files_give_the_same_result(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_SCRATCH", str(tmp_path))
    network, image = example("bsrn"), torch.rand(1, 3, 40, 47)

    in_files = run_tiled(network, image, 30, in_memory=0)

    assert torch.equal(in_files, run_tiled(network, image, 30))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["bsrn_s", "rfdn", "rrdbnet", "edsr", "fsrcnn", "spanplus"])
@given(data=st.data())
def test_stages_that_take_turns_leave_no_seams(name, data):
    thorough = settings.default.max_examples > 20
    network = example(name)
    sides = st.integers(90, 500 if thorough else 140), st.integers(20, 150 if thorough else 50)
    size = [-(-data.draw(side) // network.multiple) * network.multiple for side in sides]
    image = torch.rand(1, 3, *size)
    tile, strip = least_tile(network, 3) + data.draw(st.integers(1, 30)), st.integers(8, 30)

    tiled = run_tiled(network, image, tile, flops_per_byte=CHEAP, strip=data.draw(strip))

    whole = run_whole(network, image)
    reach = max(float(whole.max() - whole.min()), 1e-3)
    torch.testing.assert_close(tiled, whole, rtol=2.4e-7, atol=1e-5 * reach)


@pytest.mark.parametrize("name", ["bsrn_s", "rfdn"])
def test_stages_that_take_turns_use_nothing_that_is_not_computed_yet(name, monkeypatch):
    def unknown(tensor, size, **options):
        return tensor.new_full(size, torch.nan, **options)

    monkeypatch.setattr(torch.Tensor, "new_empty", unknown)
    monkeypatch.setattr(band_memory, "_new_memory", lambda size: torch.full((size,), 255).byte())
    network, image = example(name), torch.rand(1, 3, 170, 40)

    tiled = run_tiled(network, image, 48, strip=12)

    assert tiled.isfinite().all()


def test_stages_that_take_turns_store_no_more_than_planned():
    network, image = example("bsrn_s"), torch.rand(1, 3, 900, 30)
    context, _ = work_for(network, image, 48, strip=20)
    one_by_one, _ = work_for(network, image, 48)
    planes = context.stages.profile.planes
    most = 0

    with torch.inference_mode():
        for _ in run_stages(context):
            stored = context.features._planes
            bands = {name: len(plane.bands) for name, plane in stored.items()}
            most = max(most, sum(32 * 30 * planes[name].bytes * bands[name] for name in bands))

    assert most <= 900 * 30 * context.stages.spilled_bytes <= 1.3 * most
    assert most < 900 * 30 * one_by_one.stages.spilled_bytes / 2
    assert context.features.names == ()
    assert context.values == {} == context.cells


def test_planes_and_values_are_dropped_when_no_later_stage_needs_them():
    network, image = example("bsrn"), torch.rand(1, 3, 40, 47)
    context, _ = work_for(network, image, 30)

    with torch.inference_mode():
        held = [set(context.features.names) for _ in run_stages(context)]

    assert max(map(len, held)) <= 6
    assert context.features.names == ()
    assert context.values == {}


def test_moments_are_gathered_over_all_tiles():
    image = torch.rand(1, 1, 50, 40)

    tiled = run_tiled(Global(), image, 20)

    expected = (image - image.mean()).repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(tiled, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(50, 40), (37, 53), (7, 90), (90, 7), (5, 5)])
def test_a_grid_is_pooled_over_all_tiles(size):
    image = torch.rand(1, 1, *size)

    tiled = run_tiled(Pooled(scale=1), image, 12)

    cells = torch.nn.functional.max_pool2d(image, 5, 3)
    torch.testing.assert_close(tiled, image + Pooled.weighted(cells), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(50, 40), (37, 53), (7, 90), (90, 7), (3, 1)])
def test_attention_covers_the_chunk_over_all_tiles(size):
    image = torch.rand(1, 1, *size)
    pixels = image.flatten()

    tiled = run_tiled(Chunked(scale=1), image, 9)

    chunks = pixels.split(len(pixels) // 3)
    expected = torch.cat([chunk - chunk.mean() for chunk in chunks]).reshape(image.shape)
    torch.testing.assert_close(tiled, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(50, 40), (37, 53), (21, 20), (2, 3)])
def test_an_odd_last_row_has_no_coarse_pixel(size):
    image = torch.rand(1, 1, *size)

    tiled = run_tiled(Coarse(scale=1), image, 4)

    squares = torch.nn.functional.avg_pool2d(image, 2)
    torch.testing.assert_close(tiled, image - squares.mean(), rtol=0, atol=1e-6)


def test_attended_planes_that_half_precision_cannot_hold_are_not_trusted():
    class Overflowing(Chunked):
        @staticmethod
        def mean(looking, seen):
            return Chunked.mean(looking, seen) * torch.inf

    context, _ = work_for(Overflowing(scale=1), torch.ones(1, 1, 20, 20), 9, dtype=torch.float16)

    with torch.inference_mode(), pytest.raises(UntrustedError, match="mean, link 1 has NaN"):
        list(run_stages(context))


def test_features_that_half_precision_cannot_hold_are_not_trusted():
    network = example("bsrn")
    with torch.no_grad():
        network.head.depthwise.bias.fill_(1e5)
    context, _ = work_for(network, torch.rand(1, 3, 40, 47), 30, dtype=torch.float16)

    with torch.inference_mode(), pytest.raises(UntrustedError, match="NaN or infinity"):
        list(run_stages(context))


def test_a_meta_copy_is_enough_to_plan():
    network = meta_copy(example("bsrn"))

    assert profile_of(network, 3, torch.float32).profile.planes[RESULT].scale == network.scale


class Refusing(FakeRecorder):
    """Refuses after some captures."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def record(self, call, device, other):
        if len(self.recordings) == self.after:
            raise RuntimeError("operation not permitted when stream is capturing")
        return super().record(call, device, other)


def run_with_graphs(network, image, tile, recorder):
    context, result = work_for(network, image, tile, graphs=Graphs(recorder=recorder))
    expected = Counter()
    for turn, stage in zip(context.stages.turns, context.stages.all, strict=True):
        sizes = Counter(
            Region(tile.read.rows, tile.read.columns).size for tile in context.stages.tiles(turn)
        )
        graphs = sum(segment.repeatable for segment in segments_of(context, stage) or ())
        expected["captured"] += graphs * sum(many > 1 for many in sizes.values())
        expected["replayed"] += graphs * sum(many - 1 for many in sizes.values())
    with torch.inference_mode():
        list(run_stages(context))
    return result, context.backend, expected


GRAPHED = {"bsrn": 3, "bsrn_s": 3, "fsrcnn": 2, "imdn": 2, "rrdbnet": 2}
"""Fewest graphs that the examples of some networks need."""


@pytest.mark.parametrize(("name", "least"), GRAPHED.items())
def test_graphs_compute_the_same_as_normal_calls(name, least):
    network, image = example(name), torch.rand(1, 3, 76, 80)
    tile = max(least_tile(network, 3), 36)

    replayed, graphs, expected = run_with_graphs(network, image, tile, FakeRecorder())

    assert graphs.tally == {"refused": 0, **expected}
    assert graphs.tally["captured"] >= least
    plain, _, _ = run_with_graphs(network, image, tile, Refusing(after=0))
    assert torch.equal(replayed, plain)
    whole = run_whole(network, image)
    torch.testing.assert_close(replayed, whole, rtol=0, atol=1e-5 * float(whole.abs().max()))


def test_tiles_of_another_shape_have_graphs_of_their_own():
    captured = []
    for width in (20, 21):
        image = torch.rand(1, 1, 20, width)
        result, graphs, expected = run_with_graphs(Coarse(scale=1), image, 4, FakeRecorder())
        assert graphs.tally == {"refused": 0, **expected}
        captured.append(expected["captured"])
        squares = torch.nn.functional.avg_pool2d(image, 2)
        torch.testing.assert_close(result, image - squares.mean(), rtol=0, atol=1e-6)

    # tiles begin at even pixels, so that the last one of an odd row is shorter
    assert captured[1] > captured[0]


@pytest.mark.parametrize("after", [1, 2])
def test_a_capture_that_fails_in_a_later_stage_leaves_the_run_right(after):
    network, image = example("bsrn"), torch.rand(1, 3, 90, 94)

    result, graphs, _ = run_with_graphs(network, image, 40, Refusing(after))

    assert (graphs.tally["captured"], graphs.tally["refused"]) == (after, 1)
    torch.testing.assert_close(result, run_whole(network, image), rtol=0, atol=1e-5)


@pytest.mark.parametrize("halo", [0, None])
def test_a_tile_can_be_cancelled_between_two_steps(halo, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.execution.tile.BREATH", 0.0)
    computed = []

    class Counted(Nearest):
        def chain(self):
            first = Step(lambda x: computed.append("first") or x, (IMAGE,), ("a",))
            last = Step(lambda x: computed.append("last") or self.compute(x), ("a",), (RESULT,))
            return first, replace(last, scale=self.scale)

    context, _ = work_for(Counted(), torch.rand(1, 1, 20, 20), 20, halo=halo)
    computed.clear()  # its profile was computed, too
    with torch.inference_mode():
        steps, shares = run_stages(context), []
        while not computed:
            shares.append(next(steps))
        steps.close()

    assert computed == ["first"]
    assert all(0 <= share < 1 for share in shares)
    assert shares == sorted(shares)


@pytest.mark.parametrize("halo", [0, None])
def test_a_short_tile_reports_its_progress_once(halo, monkeypatch):
    monkeypatch.setattr("napari_sr.engine.execution.tile.BREATH", 1e9)
    context, _ = work_for(Nearest(), torch.rand(1, 1, 20, 20), 20, halo=halo)

    with torch.inference_mode():
        assert list(run_stages(context)) == [1]
