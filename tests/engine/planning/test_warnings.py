"""A run reports differences from the request and inexact tiles before it starts."""

from __future__ import annotations

import pytest
from fakes import Nearest

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.warnings import run_warnings
from napari_sr.zoo.series import Series


class Guessed(Nearest):
    """A network whose radius is a guess, and that cannot compute in float16."""

    exact = False
    precisions = ("float32", "bfloat16")


class Whole(Guessed):
    """A network that should also see the whole image."""

    whole = True


def warnings_of(network, **settings):
    given = Settings(device="cpu", **settings)
    plan = make_plan(layout_of((90, 70), "float32"), network, given)
    return list(run_warnings(plan, network, given))


@pytest.mark.parametrize("settings", [{}, {"precision": "bfloat16"}, {"tile": 90}], ids=str)
def test_one_tile_in_a_supported_precision_gets_no_warning(settings):
    assert warnings_of(Guessed(radius=5), **settings) == []


def test_an_exact_network_gets_no_warning():
    assert warnings_of(Nearest(radius=5), tile=40, precision="float16") == []


@pytest.mark.parametrize(("settings", "overlap"), [({}, 5), ({"halo": 9}, 9)], ids=str)
def test_tiles_that_overlap_by_a_guess_may_show(settings, overlap):
    assert warnings_of(Guessed(radius=5), tile=40, **settings) == [
        f"the receptive field of Guessed is not known: tiles overlap by {overlap} px on each "
        "side and may leave visible seams"
    ]


def test_a_network_that_should_see_the_whole_image_but_does_not_is_named():
    (warning,) = warnings_of(Whole(radius=5), tile=40)

    assert warning == (
        "Whole should get the whole image of 90 x 70 px at once: tiles of 40 px may leave "
        "visible seams"
    )


def test_a_precision_that_the_network_lacks_is_not_used_and_reported(random):
    steps = upscale_array(
        random.random((20, 30)), Guessed(), Settings(device="cpu", precision="float16")
    )

    first = next(steps)
    with pytest.raises(StopIteration) as ended:
        while True:
            next(steps)

    assert first.message == "Guessed cannot compute in float16: float32 is used instead"
    record = ended.value.value.record
    assert record["precision"] == "float32"
    assert record["notes"] == [first.message]


def test_tiles_that_may_leave_seams_are_not_called_exact():
    network = Guessed(radius=5)
    plan = make_plan(layout_of((90, 70), "float32"), network, Settings(40, device="cpu"))

    assert not plan.exact_for(network)
    assert make_plan(layout_of((90, 70), "float32"), network, Settings()).exact_for(network)


def test_several_passes_are_said_to_invent_detail():
    network = Series(Nearest(scale=2), Series(Nearest(scale=1), Nearest(scale=3)))
    for one, scale in ((network.first, 2), (network.second.first, 1), (network.second.second, 3)):
        one.provenance = {"scale": scale}
    network = Series(network.first, Series(network.second.first, network.second.second))

    assert ["passes, x2 and then x3" in told for told in warnings_of(network)] == [True]
    assert warnings_of(network.second) == []
