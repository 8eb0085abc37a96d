"""The fields of the form *Upscale a folder*."""

from __future__ import annotations

from fractions import Fraction

import pytest

from napari_sr.widgets.functions.folder_fields import ANY, factor_field, reference, scales_offered

GIVEN = {"model": "fsrcnn", "factor": 2.5, "consistent": False}


def test_the_factor_counts_only_if_it_is_chosen():
    assert reference({**GIVEN, "scale": ANY}).factor == Fraction(5, 2)
    own = reference({**GIVEN, "scale": 3})
    assert (own.scale, own.factor) == (3, None)
    assert scales_offered((2, 4))[-1] == ("any factor", ANY)


@pytest.mark.parametrize(("saved", "value"), [(1.5, 1.5), ("x", 2.5), (99, 2.5), (None, 2.5)])
def test_a_saved_factor_is_used_if_it_fits(qtbot, saved, value):
    field = factor_field(saved)
    qtbot.addWidget(field.native)

    assert field.value == value
