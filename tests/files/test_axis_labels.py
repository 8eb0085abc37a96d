from __future__ import annotations

import pytest

from napari_sr.files.axis_labels import stored_axes


@pytest.mark.parametrize(
    ("labels", "rgb", "axes"),
    [
        (["-2", "-1"], False, "YX"),
        (["-3", "-2", "-1"], False, "ZYX"),
        (["-5", "-4", "-3", "-2", "-1"], False, "CTZYX"),
        (["time", "y", "x"], False, "TYX"),
        (["channel", "", "y", "x"], False, "CZYX"),
        (["-4", "-3", "-2", "-1"], True, "TZYXS"),
        (["-5", "-4", "-3", "-2", "-1"], True, None),
        (["-6", "-5", "-4", "-3", "-2", "-1"], False, None),
        (["angle", "y", "x"], False, None),
        (["t", "time", "y", "x"], False, None),
        (["c", "y", "x"], True, None),
    ],
)
def test_axes_get_the_letters_of_ome_zarr(labels, rgb, axes):
    assert stored_axes(labels, rgb=rgb) == axes
