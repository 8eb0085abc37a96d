"""Means leave out what tells nothing, and say so."""

from __future__ import annotations

import math

from napari_sr.evaluation.table import Row, Table


def test_infinite_figures_are_left_out_of_the_means_with_a_note():
    rows = [Row(name, {"psnr": psnr}) for name, psnr in (("a", 30.0), ("b", math.inf), ("c", 34.0))]

    table = Table("mine", "cells", 2, tuple(rows), made=False)

    assert table.psnr == 32
    assert table.notes == ("cells x2, mine: the means leave out infinite figures: b",)
    assert Table("mine", "cells", 2, (rows[1],), made=False).psnr == math.inf


def test_a_set_of_flat_images_has_no_mean():
    table = Table("mine", "cells", 2, (Row("a", {"psnr": 147.0}, flat=True),), made=False)

    assert math.isnan(table.psnr)
