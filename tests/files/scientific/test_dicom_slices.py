"""Slices are put in order by their position, and mixed ones are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.scientific.dicom_slices import (
    AXIAL,
    Slice,
    check_one_series,
    in_order,
    orientation_of,
    slices_of,
    spacing_of,
    thickness_of,
    uneven,
)

pydicom = pytest.importorskip("pydicom", reason="pydicom, of the extra formats, is missing")
PATH = Path("scan")


def header(**told):
    found = pydicom.Dataset()
    for name, value in told.items():
        setattr(found, name, value)
    return found


def group(**told):
    return pydicom.Sequence([header(**told)])


def at(*positions):
    return [Slice(PATH, None, (0.0, 0.0, float(z)), 1.0, 0.0) for z in positions]


def test_the_order_is_that_of_positions_along_the_normal():
    slices, depths = in_order(at(4, 0, 2), AXIAL, PATH)
    np.testing.assert_array_equal(depths, [0, 2, 4])
    assert [one.position[2] for one in slices] == [0, 2, 4]

    upside_down = (1, 0, 0, 0, -1, 0)
    slices, _ = in_order(at(4, 0, 2), upside_down, PATH)
    assert [one.position[2] for one in slices] == [4, 2, 0]


def test_slices_without_position_keep_their_order():
    slices = [Slice(PATH, number, None, 1.0, 0.0) for number in (1, 0)]

    assert in_order(slices, AXIAL, PATH) == (slices, None)
    assert in_order(at(1, 0), None, PATH)[1] is None


def test_several_slices_at_one_position_are_refused():
    with pytest.raises(FileError, match="scan holds several slices at one position"):
        in_order(at(0, 2, 2), AXIAL, PATH)


def test_uneven_distances_are_told():
    assert list(uneven(np.array([0.0, 2.0, 4.01]))) == []
    assert "2 to 3 mm apart" in next(uneven(np.array([0.0, 2.0, 5.0])))


def test_two_series_are_refused_with_their_names():
    headers = [header(SeriesInstanceUID=f"1.{n}", SeriesDescription=f"T{n}") for n in (1, 2, 2)]

    check_one_series(headers[1:], PATH)
    with pytest.raises(FileError, match=r"scan holds 2 DICOM series \('T1', 'T2'\)"):
        check_one_series(headers, PATH)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Rows", (4, 5)),
        ("BitsStored", (12, 16)),
        ("ImageOrientationPatient", (list(AXIAL), list(AXIAL[::-1]))),
    ],
)
def test_slices_that_differ_are_refused(name, values):
    headers = [header(SeriesInstanceUID="1", **{name: value}) for value in values]

    with pytest.raises(FileError, match="its slices differ in"):
        check_one_series(headers, PATH)


def test_a_file_of_one_frame_is_one_slice():
    found = header(ImagePositionPatient=[1, 2, 3], RescaleSlope=2, RescaleIntercept=-5)

    assert slices_of(found, PATH) == [Slice(PATH, None, (1, 2, 3), 2.0, -5.0)]
    assert slices_of(header(), PATH) == [Slice(PATH, None, None, 1.0, 0.0)]


def test_frames_have_values_of_their_own_or_shared_ones():
    each = pydicom.Sequence(
        [header(PlanePositionSequence=group(ImagePositionPatient=[0, 0, z])) for z in (5.0, 7.0)]
    )
    shared = group(
        PixelMeasuresSequence=group(PixelSpacing=[0.5, 0.25], SpacingBetweenSlices=2.0),
        PlaneOrientationSequence=group(ImageOrientationPatient=list(AXIAL)),
        PixelValueTransformationSequence=group(RescaleSlope=3, RescaleIntercept=1),
    )
    found = header(
        NumberOfFrames=2, SharedFunctionalGroupsSequence=shared,
        PerFrameFunctionalGroupsSequence=each,
    )  # fmt: skip

    assert slices_of(found, PATH) == [
        Slice(PATH, 0, (0, 0, 5), 3.0, 1.0), Slice(PATH, 1, (0, 0, 7), 3.0, 1.0),
    ]  # fmt: skip
    assert orientation_of(found) == AXIAL
    assert spacing_of(found) == (0.5, 0.25)
    assert thickness_of(found) == 2.0


def test_frames_of_a_grid_are_displaced_and_others_have_no_position():
    told = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": list(AXIAL)}
    offsets = {"GridFrameOffsetVector": [0, 5]}

    grid = slices_of(header(NumberOfFrames=2, **told, **offsets), PATH)
    times = slices_of(header(NumberOfFrames=2, **told), PATH)

    assert [one.position for one in grid] == [(1, 2, 3), (1, 2, 8)]
    assert [one.position for one in times] == [None, None]


def test_sizes_are_those_of_the_slices_or_else_of_the_detector():
    assert spacing_of(header(PixelSpacing=[0.5, 0.25], ImagerPixelSpacing=[1, 1])) == (0.5, 0.25)
    assert spacing_of(header(ImagerPixelSpacing=[1, 2])) == (1, 2)
    assert spacing_of(header()) is None
    assert thickness_of(header(SliceThickness=3)) == 3
    assert thickness_of(header(SliceThickness=3, SpacingBetweenSlices=-2)) == 2
    assert thickness_of(header()) is None
