from __future__ import annotations

import numpy as np
import pytest
from fakes import Global, Nearest, finish

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.estimate import estimate, flops_per_pixel, measure_speed
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.models import architecture
from napari_sr.models.fsrcnn import FSRCNN


def estimated(shape, dtype, network, settings, **options):
    layout = layout_of(shape, dtype)
    return estimate(layout, make_plan(layout, network, settings), network, **options)


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("shape", [(30, 40), (2, 50, 20), (25, 26, 3)], ids=str)
def test_the_estimate_agrees_with_the_run(shape, ensemble, random):
    image = (random.random(shape) * 255).astype(np.uint8)
    network = Nearest(scale=3, radius=2)
    settings = Settings(tile=16, device="cpu", ensemble=ensemble)

    expected = estimated(shape, image.dtype, network, settings, speed=1000.0)
    progress, done = finish(upscale_array(image, network, settings))

    assert expected.result_shape == done.pixels.shape
    assert expected.result_bytes == done.pixels.nbytes
    assert expected.tiles == progress[-1].total == len(progress)


def test_time_grows_with_what_tiles_compute_twice():
    def seconds(**options):
        settings = Settings(device="cpu", **options)
        return estimated((90, 80), "uint8", FSRCNN(scale=2), settings, speed=1000.0).seconds

    assert seconds() == 102 * 92 / 1000  # with 6 reflected pixels on each side
    assert seconds(border="zeros") == 90 * 80 / 1000
    assert seconds(tile=40, halo=6, border="zeros") == pytest.approx(3 * 3 * 38 * 35 / 1000)
    assert seconds() < seconds(tile=60) < seconds(tile=30)


def test_tiles_with_seams_are_reported_before_the_run():
    def of_tiles(**options):
        return estimated((90, 90), "uint8", Global(), Settings(device="cpu", **options))

    assert of_tiles(tile=90).exact
    assert of_tiles(tile=80).exact
    assert not of_tiles(tile=80, halo=8).exact


def test_features_stored_between_stages_are_reported():
    record = architecture("bsrn")
    network = record.network(**record.example)

    def spilled(**options):
        settings = Settings(device="cpu", **options)
        return estimated((90, 90, 3), "uint8", network, settings).spilled_bytes

    assert spilled() == spilled(tile=60, halo=4) == 0
    # several planes of 8 features in float32
    assert 2 * 8 * 4 * 90 * 90 < spilled(tile=60) < 8 * 8 * 4 * 90 * 90
    assert spilled(tile=60, precision="float16") < 0.6 * spilled(tile=60)


def test_an_ensemble_takes_eight_times_the_tiles_and_the_time_and_room_for_its_mean():
    def of_views(**options):
        settings = Settings(device="cpu", **options)
        return estimated((90, 80), "uint8", FSRCNN(scale=2), settings, speed=1000.0)

    for tile in (None, 40):
        once, eight = of_views(tile=tile), of_views(tile=tile, ensemble=True)
        assert (eight.tiles, eight.orientations, once.orientations) == (8 * once.tiles, 8, 1)
        assert eight.seconds == pytest.approx(8 * once.seconds)
        assert eight.overhead == pytest.approx(once.overhead)
        assert eight.working_bytes == once.working_bytes
        # four float32 values for each pixel, and a count
        assert eight.spilled_bytes - once.spilled_bytes == 90 * 80 * (4 * 4 + 1)


def test_there_is_no_duration_before_the_speed_is_measured():
    expected = estimated((30, 40), "uint8", Nearest(), Settings(device="cpu"))

    assert expected.seconds is None
    assert expected.working_bytes > 0


def test_operations_of_fsrcnn_are_those_counted_by_hand():
    # 2 per multiply-add: 5x5x56 + 56x12 + 4x9x12x12 + 12x56 + 9x9x56, all per LR pixel
    by_hand = 2 * (25 * 56 + 56 * 12 + 4 * 9 * 144 + 12 * 56 + 81 * 56)

    assert flops_per_pixel(FSRCNN(scale=2)) == pytest.approx(by_hand)


def test_speed_is_measured_on_the_device():
    assert measure_speed(FSRCNN(scale=2).eval(), Settings(device="cpu")) > 0


def test_a_wrong_setting_is_refused_as_in_the_run():
    with pytest.raises(ValueError, match="got 3"):
        estimated((30, 40), "uint8", Nearest(radius=2), Settings(tile=3, device="cpu"))
