from __future__ import annotations

import numpy as np
import pytest
from fakes import Global, Nearest, finish

from napari_sr.engine.estimate import estimate, flops_per_pixel, measure_speed
from napari_sr.engine.plan import Settings
from napari_sr.engine.upscale import upscale_array
from napari_sr.models.fsrcnn import FSRCNN


@pytest.mark.parametrize("shape", [(30, 40), (2, 50, 20), (25, 26, 3)], ids=str)
def test_the_estimate_is_what_the_run_then_does(shape, random):
    image = (random.random(shape) * 255).astype(np.uint8)
    network, settings = Nearest(scale=3, radius=2), Settings(tile=16, device="cpu")

    said = estimate(shape, None, image.dtype, network, settings, speed=1000.0)
    told, done = finish(upscale_array(image, network, settings))

    assert said.result_shape == done.pixels.shape
    assert said.result_bytes == done.pixels.nbytes
    assert said.tiles == told[-1].total == len(told)
    assert said.seconds == pytest.approx(said.tiles * 16 * 16 / 1000)


def test_tiles_that_may_show_are_said_before_the_run():
    exact = estimate((90, 90), None, "uint8", Nearest(radius=3), Settings(tile=40, device="cpu"))
    inexact = estimate((90, 90), None, "uint8", Global(), Settings(tile=80, device="cpu"))
    one_tile = estimate((90, 90), None, "uint8", Global(), Settings(tile=90, device="cpu"))

    assert (exact.exact, inexact.exact, one_tile.exact) == (True, False, True)


def test_no_time_is_said_before_the_speed_is_known():
    said = estimate((30, 40), None, "uint8", Nearest(), Settings(device="cpu"))

    assert said.seconds is None
    assert said.working_bytes > 0


def test_operations_of_fsrcnn_are_those_counted_by_hand():
    # 2 per multiply-add: 5x5x56 + 56x12 + 4x9x12x12 + 12x56 + 9x9x56, all per LR pixel
    by_hand = 2 * (25 * 56 + 56 * 12 + 4 * 9 * 144 + 12 * 56 + 81 * 56)

    assert flops_per_pixel(FSRCNN(scale=2)) == pytest.approx(by_hand)


def test_speed_is_measured_on_the_device():
    assert measure_speed(FSRCNN(scale=2).eval(), Settings(device="cpu")) > 0


def test_a_wrong_setting_is_refused_as_in_the_run():
    with pytest.raises(ValueError, match="got 3"):
        estimate((30, 40), None, "uint8", Nearest(radius=2), Settings(tile=3, device="cpu"))
