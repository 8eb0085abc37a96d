"""What a run does otherwise than asked, or not exactly, is said before it begins."""

from __future__ import annotations

import pytest
from fakes import Nearest

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.warnings import run_warnings


class Guessed(Nearest):
    """A network whose radius is a guess, and that cannot compute in float16."""

    exact = False
    precisions = ("float32", "bfloat16")


class Whole(Guessed):
    """One that should see the whole image, too."""

    whole = True


def told(network, **settings):
    given = Settings(device="cpu", **settings)
    plan = make_plan(layout_of((90, 70), "float32"), network, given)
    return list(run_warnings(plan, network, given))


@pytest.mark.parametrize("settings", [{}, {"precision": "bfloat16"}, {"tile": 90}], ids=str)
def test_of_one_tile_in_a_precision_that_it_can_there_is_nothing_to_say(settings):
    assert told(Guessed(radius=5), **settings) == []


def test_an_exact_network_needs_no_caution():
    assert told(Nearest(radius=5), tile=40, precision="float16") == []


@pytest.mark.parametrize(("settings", "overlap"), [({}, 5), ({"halo": 9}, 9)], ids=str)
def test_tiles_that_overlap_by_a_guess_may_show(settings, overlap):
    assert told(Guessed(radius=5), tile=40, **settings) == [
        f"how far Guessed looks is not known: its tiles overlap by {overlap} px on each side, and "
        "may show"
    ]


def test_a_network_that_should_see_everything_and_does_not_is_named():
    (said,) = told(Whole(radius=5), tile=40)

    assert said == "Whole should see the whole image, 90 x 70 px: its tiles of 40 px may show"


def test_a_precision_that_overflows_is_not_used_and_the_user_is_told(random):
    steps = upscale_array(
        random.random((20, 30)), Guessed(), Settings(device="cpu", precision="float16")
    )

    first = next(steps)
    with pytest.raises(StopIteration) as ended:
        while True:
            next(steps)

    assert first.message == "Guessed cannot compute in float16, so that float32 is used"
    record = ended.value.value.record
    assert record["precision"] == "float32"
    assert record["notes"] == [first.message]


def test_tiles_that_may_show_are_not_called_exact():
    network = Guessed(radius=5)
    plan = make_plan(layout_of((90, 70), "float32"), network, Settings(40, device="cpu"))

    assert not plan.exact_for(network)
    assert make_plan(layout_of((90, 70), "float32"), network, Settings()).exact_for(network)
