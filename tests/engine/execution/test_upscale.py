from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
from fakes import Global, Hungry, Nearest, Overflowing, Watching, finish
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.execution import pace, run_record
from napari_sr.engine.execution import prepared as prepared_module
from napari_sr.engine.execution import upscale as upscale_module
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.engine.planning.settings import Settings
from napari_sr.models import architecture
from sr_kernels import chosen

SETTINGS = Settings(device="cpu")


def run(image, network, axes=None, **options):
    return finish(upscale_array(image, network, Settings(device="cpu", **options), axes=axes))[1]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((6, 7), None),
        ((2, 3, 6, 7), None),
        ((6, 7, 3), "YXC"),
        ((6, 7, 4), "YXS"),
        ((7, 2, 6), "XTY"),
    ],
    ids=str,
)
def test_repeating_pixels_repeats_the_values_in_their_axes_and_type(dtype, shape, axes, random):
    channels = 3 if axes in ("YXC", "YXS") else 1
    white = 1 if dtype[0] == "f" else np.iinfo(dtype).max
    image = (random.random(shape) * white).astype(dtype)

    result = run(image, Nearest(scale=2, channels=channels), axes)

    expected = image
    letters = axes or result.axes
    for letter in "YX":
        expected = expected.repeat(2, axis=letters.index(letter))
    colour = (..., slice(0, 3)) if axes == "YXS" else ...
    assert result.pixels.dtype == image.dtype
    assert result.pixels.shape == expected.shape
    np.testing.assert_allclose(result.pixels[colour], expected[colour], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["fsrcnn", "edsr"])
@given(data=st.data())
def test_tiles_that_overlap_by_the_receptive_field_leave_no_seams(name, data):
    record = architecture(name)
    torch.manual_seed(0)
    network = record.network(**record.example).eval()
    radius = network.receptive_field
    shape = data.draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    tile = data.draw(st.integers(2 * radius + 8, 2 * radius + 40))
    image = np.random.default_rng(1).random(shape, np.float32)

    # a declared range: a few pixels may look faint
    whole = run(image, network, tile=1024, value_range=(0, 1)).pixels
    tiled = run(image, network, tile=tile, halo=radius, value_range=(0, 1)).pixels

    reach = max(np.ptp(whole), 1e-3)
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5 * reach)


def test_a_chosen_halo_is_used_even_if_the_whole_image_matters(random):
    image = random.random((64, 64)).astype(np.float32)

    result = run(image, Global(), tile=32, halo=4)

    assert result.record["halo"] == 4
    assert result.record["tiles_exact"] is False
    assert result.record["receptive_field"] is None


def test_a_halo_smaller_than_the_receptive_field_leaves_seams(random):
    image = random.random((64, 64)).astype(np.float32)
    network = Nearest(radius=3)

    whole, tiled = run(image, network), run(image, network, tile=20, halo=2)

    assert np.abs(whole.pixels - tiled.pixels).max() > 1e-3
    assert (whole.record["tiles_exact"], tiled.record["tiles_exact"]) == (True, False)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (14, 14), (3, 16)], ids=str)
def test_images_below_the_least_size_are_reflected_and_cropped(shape, random):
    image = random.random(shape).astype(np.float32)

    result = run(image, Nearest(least_size=15, multiple=4)).pixels

    np.testing.assert_allclose(result, image.repeat(2, 0).repeat(2, 1), atol=1e-6)


@pytest.mark.parametrize(
    "error",
    [None, RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError("no")],
    ids=str,
)
def test_out_of_memory_halves_the_tile_continues_and_reports_it(error, random):
    image = random.random((2, 60, 60)).astype(np.float32)

    progress, result = finish(upscale_array(image, Hungry(limit=20 * 20, error=error), SETTINGS))

    np.testing.assert_allclose(result.pixels, image.repeat(2, 1).repeat(2, 2), atol=1e-6)
    messages = [step.message for step in progress if step.message]
    assert messages == result.record["notes"]
    assert (
        "tiles of 60 px: continuing with tiles of 30 px; out of memory with tiles of 30 px"
        in messages[0]
    )
    assert result.record["tile"] == 15
    assert progress[-1].done == progress[-1].total
    assert [step.done for step in progress] == sorted(step.done for step in progress)


def test_out_of_memory_with_the_smallest_tile_is_reported_with_its_size():
    with pytest.raises(OutOfMemoryError, match=r"tiles of 1 px .* memory of cpu"):
        run(np.zeros((20, 20), np.float32), Hungry(limit=0))


def test_other_errors_of_the_network_are_not_mistaken_for_lack_of_memory():
    with pytest.raises(RuntimeError, match="size mismatch"):
        run(np.zeros((20, 20), np.float32), Hungry(limit=0, error=RuntimeError("size mismatch")))


def test_a_result_that_cannot_fit_is_refused_before_any_tile(monkeypatch):
    monkeypatch.setattr(prepared_module, "free_memory", lambda device: 1000)

    with pytest.raises(OutOfMemoryError, match=r"\(40, 40\) of float32"):
        run(np.zeros((20, 20), np.float32), Nearest())


def test_a_tile_that_overflows_half_precision_is_computed_in_float32_and_reported(random):
    image = random.random((20, 20)).astype(np.float32)

    progress, result = finish(
        upscale_array(image, Overflowing(), Settings(device="cpu", precision="float16"))
    )

    np.testing.assert_allclose(result.pixels, image.repeat(2, 0).repeat(2, 1), rtol=1e-5)
    told = next(step.message for step in progress if step.message)
    assert "half precision failed in the tile at y=0, x=0" in told


def test_a_network_that_returns_nan_is_refused():
    network = Nearest()
    with torch.no_grad():
        network.weight.fill_(float("nan"))

    with pytest.raises(ValueError, match="NaN or infinite values"):
        run(np.ones((20, 20), np.float32), network)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_does_not_change_the_network(precision, random):
    network = Nearest()

    result = run(random.random((20, 20)).astype(np.float32), network, precision=precision)

    assert network.weight.dtype == torch.float32
    assert result.record["precision"] == precision


def test_closing_stops_within_one_tile_and_frees_the_image(random):
    network = Watching().eval()
    image = random.random((100, 100)).astype(np.float32)
    watched = weakref.ref(image)

    steps = upscale_array(image, network, Settings(device="cpu", tile=10))
    next(steps)
    next(steps)
    steps.close()
    del image, steps
    gc.collect()

    assert len(network.seen) == 2
    assert watched() is None


def test_progress_counts_every_tile_of_every_plane(random):
    image = random.random((3, 30, 30)).astype(np.float32)

    progress, _ = finish(upscale_array(image, Nearest(), Settings(device="cpu", tile=10)))

    assert [(step.done, step.total) for step in progress] == [(n, 27) for n in range(1, 28)]


def test_progress_has_the_share_done_and_the_seconds_left(random, monkeypatch):
    monkeypatch.setattr(pace, "EARLY", 0)  # these tiles take milliseconds
    image = random.random((3, 30, 30)).astype(np.float32)

    progress, _ = finish(upscale_array(image, Nearest(), Settings(device="cpu", tile=10)))

    assert [step.share for step in progress] == pytest.approx([n / 27 for n in range(1, 28)])
    assert all(step.seconds_left > 0 for step in progress[:-1])
    assert progress[-1].seconds_left == 0


def test_the_share_of_an_ensemble_counts_its_orientations(random):
    settings = Settings(device="cpu", tile=10, ensemble=True)

    progress, _ = finish(upscale_array(random.random((10, 20)), Nearest(), settings))

    assert [step.share for step in progress] == pytest.approx([n / 16 for n in range(1, 17)])


def test_all_tiles_have_one_shape(random):
    network = Watching(radius=1).eval()

    run(random.random((47, 31)).astype(np.float32), network, tile=12, border="zeros")

    # five rows of tiles and three columns cover the plane evenly
    assert set(network.seen) == {(1, 1, 11, 12)}


def test_the_record_says_what_ran(random):
    record = run(random.random((8, 9)), Nearest(scale=3), value_range=(-1, 2)).record

    assert (record["scale"], record["tile"], record["device"]) == (3, 9, "cpu")
    assert (record["precision"], record["value_range"]) == ("float32", (-1, 2))
    assert set(record["versions"]) == {"napari-sr", "torch", "numpy"}


def test_infinite_pixels_stop_before_any_tile():
    with pytest.raises(ValueError, match="one infinite value, at y=0, x=1"):
        run(np.array([[0, np.inf]]), Nearest())


def test_lazy_arrays_are_read_plane_by_plane(random):
    import dask.array

    image = random.integers(0, 255, (3, 20, 21)).astype(np.uint8)

    result = run(dask.array.from_array(image, chunks=(1, 20, 21)), Nearest()).pixels

    np.testing.assert_array_equal(result, image.repeat(2, 1).repeat(2, 2))


def small_bsrn():
    torch.manual_seed(0)
    record = architecture("bsrn")
    return record.network(**{**record.example, "blocks": 1}).eval()


def test_the_chosen_kernels_run_and_are_recorded(random):
    image = random.random((15, 16)).astype(np.float32)
    network = small_bsrn()

    plain = run(image, network, kernels="reference")
    fused = run(image, network, kernels="triton")

    assert plain.record["kernels"] == {"chosen": "reference", "launched": {}, "distrusted": {}}
    assert fused.record["kernels"]["launched"]["esa_moments"] == len(network.blocks)
    np.testing.assert_allclose(fused.pixels, plain.pixels, rtol=0, atol=1e-5 * np.ptp(plain.pixels))


def test_the_choice_of_kernels_ends_with_the_tile(random):
    steps = upscale_array(
        random.random((24, 15)).astype(np.float32),
        small_bsrn(),
        Settings(device="cpu", kernels="triton", tile=15, halo=2),
    )

    next(steps)

    assert chosen() == "auto"
    steps.close()


def test_an_unknown_choice_of_kernels_is_refused():
    with pytest.raises(ValueError, match="got 'fast'"):
        run(np.zeros((20, 20), np.float32), Nearest(), kernels="fast")


def test_unusable_kernels_are_reported_with_the_first_tile(monkeypatch, random):
    monkeypatch.setattr(
        upscale_module, "wrong_kernels", lambda run_context, plan: {"bsconv": "wrong"}
    )
    for module in (upscale_module, run_record):
        monkeypatch.setattr(module, "distrusted", lambda device: {"bsconv": "wrong"})

    progress, result = finish(
        upscale_array(random.random((30, 30)), Nearest(), Settings(device="cpu", tile=10))
    )

    first = (
        "the kernels bsconv cannot be used on cpu; PyTorch computes these steps instead, slower "
        "but with the same result (wrong)"
    )
    assert [step.message for step in progress] == [first] + [""] * 8
    assert result.record["notes"] == [first]
    assert result.record["kernels"]["distrusted"] == {"bsconv": "wrong"}


def test_a_kernel_that_fails_during_a_run_is_reported_at_its_end(monkeypatch, random):
    monkeypatch.setattr(upscale_module, "distrusted", lambda device: {"esa_mix": "launch failed"})

    progress, _ = finish(upscale_array(random.random((30, 30)), Nearest(), Settings(device="cpu")))

    assert "esa_mix" in progress[-1].message
    assert "launch failed" in progress[-1].message


def test_the_environment_decides_what_auto_means(monkeypatch, random, example):
    monkeypatch.setenv("NAPARI_SR_KERNELS", "triton")

    result = run(random.random((9, 9)).astype(np.float32), example("espcn"))

    assert result.record["kernels"]["chosen"] == "triton"
    assert result.record["kernels"]["launched"]["conv3x3"] > 0


def test_a_wrong_scratch_folder_is_reported_before_the_first_tile(monkeypatch, tmp_path, random):
    monkeypatch.setenv("NAPARI_SR_SCRATCH", str(tmp_path / "missing"))
    image = random.random((20, 20)).astype(np.float32)

    with pytest.raises(ValueError, match="which NAPARI_SR_SCRATCH is set to"):
        next(upscale_array(image, Nearest(), Settings(device="cpu", ensemble=True)))
    assert run(image, Nearest()).pixels.shape == (40, 40)  # nothing is stored here
