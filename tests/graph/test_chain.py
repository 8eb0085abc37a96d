"""Properties of a chain: its receptive field, and the names of its planes and values."""

from __future__ import annotations

from napari_sr.graph.chain import (
    IMAGE,
    RESULT,
    GlobalStats,
    Step,
    inputs_of,
    outputs_of,
    receptive_field,
    renamed,
    with_one_writer_each,
)


def copy(name, *reads, radius=0):
    return Step(lambda x, *_: x, reads, (name,), radius)


def test_radii_of_steps_add_up():
    chain = (copy("x", IMAGE, radius=2), copy(RESULT, "x", radius=5))

    assert receptive_field(chain) == 7


def test_a_link_takes_planes_and_values_and_gives_what_it_writes():
    step = Step(lambda x, gate: x * gate, ("x",), ("y",), uses=("gate",))

    assert inputs_of(step) == ("x", "gate")
    assert outputs_of(step) == ("y",)
    assert inputs_of(GlobalStats("x", "gate", lambda *_: None)) == ("x",)


def test_a_renamed_plane_is_renamed_in_every_link():
    chain = renamed((copy("x", IMAGE), copy(RESULT, "x")), {"x": "y"})

    assert [(link.reads, link.writes) for link in chain] == [
        ((IMAGE,), ("y",)), (("y",), (RESULT,)),
    ]  # fmt: skip


def test_planes_that_are_replaced_get_names_of_their_own():
    first, second, last = with_one_writer_each(
        (copy("x", IMAGE), copy("x", "x"), copy(RESULT, "x"))
    )

    assert first.writes != second.writes
    assert second.reads == first.writes
    assert (last.reads, last.writes) == (second.writes, (RESULT,))
