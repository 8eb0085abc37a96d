"""Oriented planes, the running mean, and runs against torch's flips and rotations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import Chunked, Hungry, Nearest, Watching, finish
from stages import example

from napari_sr.engine.execution import ensemble as module
from napari_sr.engine.execution.context import RunContext
from napari_sr.engine.execution.ensemble import Mean, OrientedPlane, oriented_planes
from napari_sr.engine.execution.plane_output import PlaneOutput
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import fill_missing
from napari_sr.engine.image.guards import Diagnostics
from napari_sr.engine.image.orientation import ORIENTATIONS
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.planning import plan as plan_module
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.budget import bytes_of_mean
from napari_sr.engine.planning.settings import Settings
from napari_sr.layers.colour import enlarge
from napari_sr.models import architecture


def run(image, network, axes=None, **options):
    settings = Settings(device="cpu", ensemble=True, **options)
    return finish(upscale_array(image, network, settings, axes=axes))


def network_of(name, **changes):
    if name == "chunked":
        return Chunked()
    torch.manual_seed(0)
    record = architecture(name)
    return record.network(**{**record.example, **changes}).eval()


def mean_by_torch(network, image):
    """Return the mean over quarter turns of the image and of its mirror image, untiled."""
    plane = torch.from_numpy(np.atleast_3d(image)).permute(2, 0, 1)[None]
    total = 0
    with torch.inference_mode():
        for turns in range(4):
            for mirrored in (False, True):
                view = torch.rot90(plane, turns, (-2, -1))
                large = enlarge(network, (view.flip(-1) if mirrored else view).contiguous())
                large = large.flip(-1) if mirrored else large
                total = total + torch.rot90(large, -turns, (-2, -1)).double()
    mean = (total / 8)[0].permute(1, 2, 0).numpy()
    return mean if image.ndim == 3 else mean[..., 0]


def output_of(pixels, size=None):
    """Return a plane of values from 0 to 100, and its output array, filled with -1."""
    layout = layout_of(pixels.shape, pixels.dtype)
    larger = layout.enlarged(2)
    output = np.full(larger.shape, -1, pixels.dtype)
    values = ValueRange(0.0, 100.0)
    context = RunContext(Nearest(), layout, output, larger, values, "auto", "clip", Diagnostics())
    return PlaneOutput(context, (), fill_missing(pixels[..., None]), size or pixels.shape), output


def large_of(block):
    return block.repeat_interleave(2, -1).repeat_interleave(2, -2)


@pytest.fixture
def pixels(random):
    return (random.random((5, 7)) * 100).astype(np.float32)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_tiles_of_an_oriented_plane_are_written_to_their_places(orientation, pixels):
    plane_output, output = output_of(pixels)
    mean = Mean(5, 7, 1, 2)
    mean.add(1, slice(0, 5), slice(0, 7), torch.zeros(1, 1, 10, 14))
    oriented = OrientedPlane(plane_output, orientation, mean, (5, 7))
    height, width = (7, 5) if oriented.transposed else (5, 7)

    for rows in (slice(0, 3), slice(3, height)):
        for columns in (slice(0, 2), slice(2, width)):
            oriented.write(rows, columns, large_of(oriented.read(rows, columns)), True)

    number = ORIENTATIONS.index(orientation) + 1
    found = mean._values.read("mean", slice(0, 5), slice(0, 7))
    share = pixels.repeat(2, 0).repeat(2, 1) / 100 / number
    np.testing.assert_allclose(found[0, 0], share, rtol=1e-5)
    assert (output == -1).all() == (number < 8)


def test_padding_of_an_oriented_plane_is_not_written(pixels):
    plane_output, output = output_of(pixels)
    rows, columns, beyond = slice(0, 8), slice(0, 12), slice(7, 12)

    for oriented in oriented_planes(plane_output, (8, 12)):
        if oriented.transposed:
            every, part = (columns, rows), (beyond, rows)
            some = torch.full((1, 1, 10, 16), 9.0)
        else:
            every, part = (rows, columns), (rows, beyond)
            some = torch.full((1, 1, 16, 10), 9.0)
        oriented.write(*every, large_of(oriented.read(*every)), True)
        oriented.write(*part, some, True)

    np.testing.assert_allclose(output, pixels.repeat(2, 0).repeat(2, 1), rtol=1e-6)
    assert plane_output.run_context.diagnostics.outliers == 0


def test_nothing_is_written_before_the_last_orientation_is_done(pixels):
    plane_output, output = output_of(pixels)
    before = []

    for number, oriented in enumerate(oriented_planes(plane_output, (5, 7)), start=1):
        before.append((output == -1).all())
        size = (7, 5) if oriented.transposed else (5, 7)
        level = torch.full((1, 1, 2 * size[0], 2 * size[1]), 0.01 * number)
        oriented.write(*(slice(0, length) for length in size), level, True)

    assert all(before)
    np.testing.assert_allclose(output, 4.5, rtol=1e-6)


def test_the_mean_of_equal_values_is_that_value_exactly():
    values, mean = torch.rand(1, 2, 8, 12), Mean(4, 6, 2, 2)

    for number in range(1, 9):
        found = mean.add(number, slice(0, 4), slice(0, 6), values)

    assert torch.equal(found, values)


def test_a_part_that_is_added_again_counts_once(random):
    parts = torch.from_numpy(random.random((3, 1, 1, 4, 4)).astype(np.float32))
    mean, whole, top = Mean(4, 4, 1, 1), slice(0, 4), slice(0, 2)
    mean.add(1, whole, whole, parts[0])
    mean.add(2, top, whole, parts[1][..., :2, :])

    found = mean.add(2, whole, whole, parts[2])

    expected = (parts[0] + torch.cat((parts[1][..., :2, :], parts[2][..., 2:, :]), dim=-2)) / 2
    torch.testing.assert_close(found, expected)


def test_a_mean_that_does_not_fit_into_memory_goes_to_files(monkeypatch, random):
    values = torch.from_numpy(random.random((2, 1, 3, 140, 20)).astype(np.float32))
    monkeypatch.setattr(module, "memory_for_features", lambda: 0)
    mean, every = Mean(70, 10, 3, 2), (slice(0, 70), slice(0, 10))

    for number, each in enumerate(values, start=1):
        found = mean.add(number, *every, each)
    mean.close()

    torch.testing.assert_close(found, values.mean(dim=0))


def test_the_size_of_a_mean_is_computed_exactly():
    # for each pixel: four bytes for each of 2 * 2 * 3 values, and one byte for the count
    layout = layout_of((10, 20, 3), "uint8")
    assert bytes_of_mean(layout, 2) == 10 * 20 * (4 * 12 + 1)
    assert bytes_of_mean(layout, 2, spread=True) == 10 * 20 * (2 * 4 * 12 + 1)


@pytest.mark.parametrize("tile", [1024, 18], ids=["whole", "tiles"])
@pytest.mark.parametrize(
    ("name", "channels"), [("fsrcnn", 1), ("fsrcnn", 3), ("imdn", 3), ("chunked", 1)]
)
def test_the_result_is_the_mean_over_torch_s_flips_and_rotations(name, channels, tile, random):
    network = network_of(name)
    shape = (20, 24, 3) if channels == 3 else (20, 24)
    image = random.random(shape).astype(np.float32)

    _, result = run(image, network, tile=tile, outliers="keep", border="zeros")

    expected = mean_by_torch(network, image)
    reach = np.ptp(expected)
    np.testing.assert_allclose(result.pixels, expected, rtol=0, atol=1e-5 * reach)
    plain = finish(upscale_array(image, network, Settings(device="cpu", outliers="keep")))[1]
    # none of these networks is symmetric, so the mean differs
    assert np.abs(plain.pixels - expected).max() > 1e-3 * reach


@pytest.mark.parametrize("tile", [1024, 24], ids=["whole", "tiles"])
def test_the_plane_is_extended_alike_in_every_orientation(tile, random):
    network, image = network_of("fsrcnn"), random.random((20, 24)).astype(np.float32)

    _, result = run(image, network, tile=tile, outliers="keep")

    width, scale = border_width(network, Settings()), network.scale
    around = mean_by_torch(network, np.pad(image, width, mode="symmetric"))
    expected = around[scale * width : -scale * width, scale * width : -scale * width]
    np.testing.assert_allclose(result.pixels, expected, rtol=0, atol=1e-5 * np.ptp(expected))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("axes", ["ZYX", "XZY"])
def test_a_symmetric_network_gives_the_same_result(axes, dtype, random):
    image = (random.random((3, 20, 21)) * 255).astype(dtype)

    progress, result = run(image, Nearest(), axes, tile=8, value_range=(0, 255))

    settings = Settings(device="cpu", tile=8, value_range=(0, 255))
    plain = finish(upscale_array(image, Nearest(), settings, axes=axes))[1]
    np.testing.assert_array_equal(result.pixels, plain.pixels)
    assert plain.record["ensemble"] is False
    assert result.record["ensemble"] is True
    assert [step.done for step in progress] == list(range(1, progress[-1].total + 1))


def test_alpha_is_enlarged_as_without_an_ensemble(random):
    image = random.random((9, 12, 4)).astype(np.float32)

    results = [
        finish(upscale_array(image, Nearest(channels=3), Settings(device="cpu", ensemble=so)))[1]
        for so in (False, True)
    ]

    np.testing.assert_allclose(results[1].pixels, results[0].pixels, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (14, 19)], ids=str)
def test_planes_below_the_least_size_are_reflected_in_every_orientation(shape, random):
    image = random.random(shape).astype(np.float32)

    _, result = run(image, Nearest(least_size=15, multiple=4))

    np.testing.assert_array_equal(result.pixels, image.repeat(2, 0).repeat(2, 1))


def test_integers_are_rounded_once(random):
    image = random.integers(0, 255, (16, 18)).astype(np.uint8)
    network = network_of("fsrcnn")

    _, result = run(image, network, border="zeros")

    exact = mean_by_torch(network, image.astype(np.float32) / 255) * 255
    low, high = int(image.min()), int(image.max())
    exact = exact.clip(2 * low - high, 2 * high - low)  # where the guards clip
    assert np.abs(result.pixels - exact.clip(0, 255)).max() <= 0.5 + 1e-3


def test_missing_pixels_are_filled_once_and_are_missing_in_the_result(random):
    image = random.random((20, 23)).astype(np.float32)
    image[4:9, 6:12], image[15, 2] = np.nan, np.nan

    _, result = run(image, Nearest(radius=1), tile=12)

    plain = finish(upscale_array(image, Nearest(radius=1), Settings(device="cpu")))[1]
    np.testing.assert_allclose(result.pixels, plain.pixels, atol=1e-6)
    assert result.record["guards"]["masked_pixels"] == 5 * 6 + 1


class Corner(Nearest):
    """Returns implausible values at the top left of its input, and plausible values elsewhere."""

    wild = 1000.0

    def compute(self, image):
        large = super().compute(image)
        large[..., :1, :1] = torch.tensor(self.wild)
        return large


def test_each_orientation_is_checked_and_reported_at_its_place_in_the_image():
    image = np.full((8, 10), 0.5, np.float32)
    results = {}
    for word in ("clip", "mark", "keep"):
        progress, results[word] = run(image, Corner(), outliers=word)
    corners = [(y, x) for y in (0, -1) for x in (0, -1)]

    # 0.25 beyond the plane's 0.5 in one orientation of four, twice, and 0.5 in the others
    clipped, marked, kept = (results[word].pixels for word in ("clip", "mark", "keep"))
    assert [clipped[corner] for corner in corners] == pytest.approx([0.5 + 0.25 / 4] * 4)
    assert [kept[corner] for corner in corners] == pytest.approx([0.5 + 999.5 / 4] * 4)
    assert np.argwhere(np.isnan(marked)).tolist() == [[0, 0], [0, 19], [15, 0], [15, 19]]
    guards = results["clip"].record["guards"]
    assert (guards["outliers"], guards["outliers_at"]) == (8, ["y=0, x=0"])
    assert "8 values of the eight results that were averaged, from" in progress[-1].message

    guards = run(image, Corner(), tile=6)[1].record["guards"]
    # the position of the first tile of each orientation
    assert set(guards["outliers_at"]) == {f"y={y}, x={x}" for y in (0, 4) for x in (0, 5)}


def test_an_orientation_that_half_precision_cannot_hold_is_computed_in_float32(random):
    class Overflowing(Corner):
        wild = 1e5

        def compute(self, image):
            large = super().compute(image)
            return torch.where(large > 1e4, large / 1e5, large)

    image = random.random((8, 10)).astype(np.float32)

    progress, result = run(image, Overflowing(), precision="float16")

    assert result.record["guards"]["recomputed_in_float32"] == 8
    assert result.record["guards"]["outliers"] == 0
    told = [step.message for step in progress if step.message]
    assert len(told) == 8
    assert all("half precision failed" in message for message in told)


@pytest.mark.parametrize("limit", [1000, 300])
def test_out_of_memory_in_one_orientation_restarts_no_other(limit, random):
    class Later(Hungry):
        """Runs out of memory in the fifth orientation, which is transposed."""

        def compute(self, image):
            if image.shape[-2] <= image.shape[-1] or image.device.type == "meta":
                return Nearest.compute(self, image)
            return super().compute(image)

    image = random.random((2, 30, 44)).astype(np.float32)

    progress, result = run(image, Later(limit=limit))

    np.testing.assert_array_equal(result.pixels, image.repeat(2, 1).repeat(2, 2))
    assert "out of memory with tiles of 44 px" in " ".join(result.record["notes"])
    assert [step.done for step in progress] == sorted(step.done for step in progress)
    assert progress[-1].done == progress[-1].total


@pytest.mark.parametrize("shape", [(150, 31), (31, 150)])
def test_progress_is_right_if_stages_take_turns_in_some_orientations(shape, random, monkeypatch):
    monkeypatch.setattr(plan_module, "memory_for_features", lambda: 0)
    monkeypatch.setattr(plan_module, "STRIPS", (24,))
    network, image = example("edsr", blocks=8), random.random((*shape, 3)).astype(np.float32)

    progress, result = run(image, network, tile=48)

    numbers = [step.done for step in progress]
    assert list(dict.fromkeys(number for number in numbers if number)) == [
        *range(1, progress[-1].total + 1)
    ]
    shares = [step.share for step in progress]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    whole = run(image, network, tile=200)[1].pixels
    np.testing.assert_allclose(result.pixels, whole, rtol=0, atol=1e-5 * np.ptp(whole))


def test_closing_stops_within_one_tile_and_frees_the_mean(random, monkeypatch):
    closed, network = [], Watching().eval()
    monkeypatch.setattr(Mean, "close", lambda self: closed.append(self))
    steps = upscale_array(
        random.random((20, 20)), network, Settings(device="cpu", tile=10, ensemble=True)
    )
    for _ in range(6):
        next(steps)

    steps.close()

    assert len(network.seen) == 6
    assert len(closed) == 1


def test_a_setting_that_is_not_boolean_is_refused():
    with pytest.raises(ValueError, match="ensemble must be True or False, got 'no'"):
        finish(upscale_array(np.zeros((4, 4)), Nearest(), Settings(ensemble="no")))


def test_the_spread_is_the_standard_deviation_of_all_results(random):
    parts = torch.from_numpy(random.random((8, 1, 2, 8, 12)).astype(np.float32))
    mean, every = Mean(4, 6, 2, 2, spread=True), (slice(0, 4), slice(0, 6))

    for number, part in enumerate(parts, start=1):
        mean.add(number, *every, part)

    torch.testing.assert_close(mean.spread(*every), parts.std(dim=0, correction=0))


def test_the_spread_of_equal_values_is_exactly_zero():
    values, mean = torch.rand(1, 1, 4, 4), Mean(4, 4, 1, 1, spread=True)
    every = (slice(0, 4), slice(0, 4))

    for number in range(1, 9):
        mean.add(number, *every, values)

    assert not mean.spread(*every).any()


def test_a_part_that_is_added_again_counts_once_in_the_spread(random):
    parts = torch.from_numpy(random.random((8, 1, 1, 4, 4)).astype(np.float32))
    mean, whole, top = Mean(4, 4, 1, 1, spread=True), slice(0, 4), slice(0, 2)

    for number, part in enumerate(parts, start=1):
        mean.add(number, top, whole, part[..., :2, :])
        again = part[..., :2, :] + (9 if number > 1 else 0)  # the first result is replaced
        mean.add(number, whole, whole, torch.cat((again, part[..., 2:, :]), -2))

    torch.testing.assert_close(mean.spread(whole, whole), parts.std(dim=0, correction=0))


def test_a_mean_without_a_spread_keeps_no_squares():
    mean = Mean(4, 4, 1, 1)
    mean.add(1, slice(0, 4), slice(0, 4), torch.ones(1, 1, 4, 4))

    assert mean.spread(slice(0, 4), slice(0, 4)) is None
    assert mean._values.names == ("mean",)
