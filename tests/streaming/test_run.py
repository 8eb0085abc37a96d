import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import Nearest, finish
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.image.value_range import OutsideRangeWarning
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.engine.planning.settings import Settings
from napari_sr.streaming.run import BlockRun, output_place, run_blocks

SETTINGS = Settings(device="cpu", engine="torch")


def run_of(image, network, side=(32, 32), axes=None, values=None, **settings):
    layout = layout_of(image.shape, image.dtype, axes)
    settings = Settings(device="cpu", engine="torch", **settings)
    grid = usual_grid(layout, network, settings, side)
    reader = BlockReader(image, grid, network.receptive_field)
    white = 1 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
    return BlockRun(reader, network, settings, values or ValueRange(0, white))


def by_blocks(run, numbers=None):
    grid, scale = run.reader.grid, run.network.scale
    larger = grid.layout.enlarged(scale)
    result = np.zeros(larger.shape, larger.dtype)

    def write(block, values):
        larger.write(result, block.plane, *output_place(block, scale), values)

    numbers = range(grid.count) if numbers is None else numbers
    steps, records = finish(run_blocks(run, numbers, write))
    return result, steps, records


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    ("shape", "axes"), [((70, 51), "YX"), ((2, 33, 40), "ZYX"), ((45, 50, 3), "YXS")], ids=str
)
def test_blocks_give_the_result_of_the_whole_image(example, random, dtype, shape, axes):
    network = example("fsrcnn", channels=1)
    white = 1 if dtype == "float32" else np.iinfo(dtype).max
    image = (random.random(shape) * white).astype(dtype)
    if dtype == "float32":
        image[..., 10:30, 20:45, *([slice(None)] if axes == "YXS" else [])] = np.nan

    result, _, _ = by_blocks(run_of(image, network, axes=axes))

    whole = finish(upscale_array(image, network, SETTINGS, axes=axes))[1].pixels
    tolerance = 1e-5 if dtype == "float32" else 1
    np.testing.assert_allclose(result.astype(float), whole.astype(float), rtol=0, atol=tolerance)
    assert np.mean(result != whole) < 1e-3 or dtype == "float32"


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 3), st.integers(1, 4))
def test_small_and_odd_images_are_exact(height, width, radius, multiple):
    network = Nearest(radius=radius, multiple=multiple, least_size=3 * multiple)
    image = np.random.default_rng(1).random((height, width)).astype(np.float32)
    side = 12 // multiple * multiple

    for border in ("auto", "zeros"):
        result, _, _ = by_blocks(run_of(image, network, (side, side), border=border))

        settings = replace(SETTINGS, border=border)
        whole = finish(upscale_array(image, network, settings))[1].pixels
        np.testing.assert_allclose(result, whole, atol=1e-6)


def test_progress_rises_to_one_and_counts_blocks(random):
    image = random.random((70, 50)).astype(np.float32)
    run = run_of(image, Nearest(radius=1))

    _, steps, _ = by_blocks(run)

    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert {step.total for step in steps} == {run.reader.grid.count}


def test_some_blocks_are_computed_alone(random):
    image = random.random((70, 50)).astype(np.float32)
    run = run_of(image, Nearest(radius=1))
    whole, _, _ = by_blocks(run)

    part, _, _ = by_blocks(run, [1, 4])

    for block in run.reader.grid:
        place = output_place(block, 2)
        expected = whole[place] if block.number in (1, 4) else 0
        np.testing.assert_array_equal(part[place], expected)


def test_an_error_while_writing_ends_the_run(random):
    run = run_of(random.random((100, 100)).astype(np.float32), Nearest())

    def write(block, values):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        finish(run_blocks(run, range(9), write))


def test_closing_a_run_leaves_no_thread(random):
    before = set(threading.enumerate())
    run = run_of(random.random((100, 100)).astype(np.float32), Nearest())
    steps = run_blocks(run, range(9), lambda block, values: None)
    next(steps)

    steps.close()

    assert set(threading.enumerate()) <= before


def test_a_result_that_waits_to_be_written_is_not_overwritten(random):
    image = random.random((40, 200)).astype(np.float32)
    run = run_of(image, Nearest(), (40, 20))
    release, seen = threading.Event(), []

    def write(block, values):
        if not seen:
            release.wait(5)
        seen.append((block.number, values.copy()))

    steps = run_blocks(run, range(10), write)
    next(steps)
    release.set()
    for _ in steps:
        pass

    for number, values in seen:
        expected = image[:, number * 20 : number * 20 + 20].repeat(2, 0).repeat(2, 1)
        np.testing.assert_allclose(values, expected)
    assert len(seen) == 10


class Spiky(Nearest):
    """Returns implausible values where the image is brightest, and overshoots elsewhere."""

    def compute(self, image):
        return super().compute(torch.where(image > 0.97, image * 9, image * 1.1))


class Lightening(Nearest):
    """Returns values for dark pixels that are implausible unless the plane has bright ones."""

    def compute(self, image):
        return super().compute(torch.where(image < 0.2, image * 6, image))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("ensemble", [False, True])
def test_implausible_results_are_those_beyond_the_range_of_the_plane(dtype, ensemble):
    white = 1 if dtype == "float32" else 65535
    image = np.full((70, 100), 0.1 * white, dtype)
    image[40:, 80:] = white
    network = Lightening()

    result, _, report = by_blocks(run_of(image, network, ensemble=ensemble))

    settings = replace(SETTINGS, ensemble=ensemble)
    whole = finish(upscale_array(image, network, settings))[1]
    np.testing.assert_array_equal(result, whole.pixels)
    assert result[0, 0] == pytest.approx(0.6 * white, rel=1e-4)
    assert report.diagnostics.record() == whole.record["guards"]


def test_opacity_in_floats_is_that_of_the_plane(random):
    """A block whose alpha ends at 1 may lie in a plane whose alpha ends at 255."""
    image = random.random((70, 100, 4)).astype(np.float32)
    image[60:, 90:, 3] = 255

    class Curved(Nearest):
        def compute(self, image):
            return super().compute(image**2)

    result, _, _ = by_blocks(run_of(image, Curved(radius=3), axes="YXS"))

    with pytest.warns(OutsideRangeWarning, match="treated as opacity"):
        whole = finish(upscale_array(image, Curved(radius=3), SETTINGS, axes="YXS"))[1].pixels
    np.testing.assert_allclose(result, whole, atol=1e-6)


@pytest.mark.parametrize("ensemble", [False, True])
def test_counts_and_places_are_those_of_the_whole_image(random, ensemble):
    image = (random.random((70, 50)) * 0.9).astype(np.float32)
    image[::9, ::7] = 1
    image[20:30, 30:45] = np.nan
    run = run_of(image, Spiky(radius=0), ensemble=ensemble)
    run = replace(run, reader=replace(run.reader, grid=replace(run.reader.grid, margin=5)))

    _, _, report = by_blocks(run)

    whole = finish(upscale_array(image, Spiky(), replace(SETTINGS, ensemble=ensemble)))[1].record
    counts = report.diagnostics.record()
    same = ["masked_pixels", "beyond_source", "cut_off_at_type", "outliers_from_to"]
    same += [] if ensemble else ["outliers"]
    assert {name: counts[name] for name in same} == {name: whole["guards"][name] for name in same}
    assert counts["outliers"] > 0
    if not ensemble:
        starts = {f"y={b.core.rows.start}, x={b.core.columns.start}" for b in run.reader.grid}
        assert set(counts["outliers_at"]) <= starts
