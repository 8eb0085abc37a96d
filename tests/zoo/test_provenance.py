from __future__ import annotations

from napari_sr.zoo.provenance import checkpoints_in, with_each

ONE, OTHER, LAST = {"model": "one"}, {"model": "other"}, {"model": "last"}


def test_a_blend_in_a_series_has_all_its_checkpoints():
    blend = {"model": "both", "blended": [ONE, OTHER]}

    assert checkpoints_in(ONE) == [ONE]
    assert checkpoints_in(blend) == [ONE, OTHER]
    assert checkpoints_in({"model": "all", "series": [blend, LAST]}) == [ONE, OTHER, LAST]


def test_each_checkpoint_is_changed_in_a_copy():
    found = {"model": "all", "series": [ONE, LAST]}

    changed = with_each(found, lambda one: {**one, "file": "a"})

    assert changed == {"model": "all", "series": [{**ONE, "file": "a"}, {**LAST, "file": "a"}]}
    assert with_each(ONE, lambda one: {}) == ONE
    assert found["series"] == [ONE, LAST]
