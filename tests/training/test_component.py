"""Values out of bounds are refused by key, with what is needed and what came."""

from __future__ import annotations

import pytest

from napari_sr.training.component import ComponentSpec, need, within


def test_a_wrong_value_is_named_with_its_key():
    need(True, "decay", "at least 0", 0.5)

    with pytest.raises(ValueError, match=r"decay must be at least 0, got -0\.5"):
        need(False, "decay", "at least 0", -0.5)


@pytest.mark.parametrize(("value", "bound"), [(0, "at least 1"), (9, "at most 8")])
def test_a_number_out_of_bounds_is_refused(value, bound):
    within("crop", 1, 1, 8)
    within("crop", 8, 1, 8)

    with pytest.raises(ValueError, match=f"crop must be {bound}, got {value}"):
        within("crop", value, 1, 8)


def test_components_share_no_options():
    assert ComponentSpec("l1").options is not ComponentSpec("l1").options
