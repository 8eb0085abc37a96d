"""What a comparison changes for a while, and how it is set back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.compare.kept_state import KeptState, LinkedLook, share_look


def test_what_was_changed_is_restored(pair):
    before, after = pair
    kept = KeptState()

    kept.change(before, "visible", False)
    kept.change(before, "visible", True)
    kept.change(after, "contrast_limits", (3, 9))
    kept.change(before, "visible", False)
    kept.restore()

    assert before.visible
    assert tuple(after.contrast_limits) != (3, 9)


def test_what_the_user_changed_meanwhile_stays(pair):
    before, _ = pair
    kept = KeptState()

    kept.change(before, "opacity", 0.5)
    before.opacity = 0.7
    kept.restore()

    assert before.opacity == 0.7


def test_the_last_change_is_restored_first(pair):
    order = []
    pair[0].events.visible.connect(lambda: order.append("before"))
    pair[1].events.visible.connect(lambda: order.append("after"))
    kept = KeptState()
    for layer in (*pair, pair[0]):
        kept.change(layer, "visible", not layer.visible)
    del order[:]

    kept.change(pair[0], "visible", False)
    kept.restore()

    assert order == ["before", "before", "after"]


@pytest.mark.parametrize("changed", [0, 1])
def test_linked_layers_share_limits_and_gamma_until_they_are_left(pair, changed):
    kept = KeptState()
    link = LinkedLook(*pair, kept)
    other = pair[1 - changed]

    pair[changed].contrast_limits = (10, 90)
    pair[changed].gamma = 0.5
    link.leave()
    pair[changed].gamma = 0.9
    kept.restore()

    assert tuple(other.contrast_limits) == (10, 90)
    assert other.gamma == 0.5


def test_the_second_layer_gets_the_look_of_the_first_for_a_while(pair):
    before, after = pair
    before.contrast_limits, after.contrast_limits = (10, 90), (20, 70)
    kept = KeptState()

    link = LinkedLook(before, after, kept)
    shown = tuple(after.contrast_limits)
    link.leave()
    kept.restore()

    assert shown == (10, 90)
    assert tuple(after.contrast_limits) == (20, 70)


@pytest.mark.parametrize(
    ("other", "rgb", "shared"),
    [
        (np.full((4, 5), 200, np.uint8), False, True),
        (np.full((4, 5), 200, np.uint16), False, False),
        (np.full((4, 5, 3), 200, np.uint8), True, False),
    ],
)
def test_only_grey_layers_of_one_type_share_a_look(viewer, pair, other, rgb, shared):
    assert share_look(pair[0], viewer.add_image(other, rgb=rgb)) is shared


def test_floats_of_quite_other_values_share_no_look(viewer):
    first, second, third = (
        viewer.add_image(np.linspace(0, most, 20, dtype=np.float32).reshape(4, 5))
        for most in (1, 4095, 1.5)
    )

    assert not share_look(first, second)
    assert share_look(first, third)
