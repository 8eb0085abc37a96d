"""DICOM images and series: pixels in modality units, order, spacing and position."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.scientific import dicom
from napari_sr.files.scientific.dicom import is_dicom, open_dicom

pydicom = pytest.importorskip("pydicom", reason="pydicom, of the extra formats, is missing")
REAL = Path(pydicom.__file__).parent / "data" / "test_files"


def made(path, pixels, **told):
    file = pydicom.Dataset()
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    file.SOPClassUID, file.Modality = pydicom.uid.CTImageStorage, "CT"
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    colours = pixels.shape[-1] if told.get("PhotometricInterpretation") == "RGB" else 1
    file.Rows, file.Columns = pixels.shape[-3:-1] if colours > 1 else pixels.shape[-2:]
    bits = 8 * pixels.dtype.itemsize
    usual = {
        "SeriesInstanceUID": "1.2.3", "SamplesPerPixel": colours, "BitsAllocated": bits,
        "PhotometricInterpretation": "MONOCHROME2", "BitsStored": bits,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }  # fmt: skip
    for name, value in (usual | told).items():
        setattr(file, name, value)
    file.HighBit = file.BitsStored - 1
    if colours > 1:
        file.PlanarConfiguration = 0
    file.PixelData = pixels.tobytes()
    file.save_as(path, enforce_file_format=True)
    return path


def series(folder, random, depths=(4.0, 0.0, 2.0), **told):
    """Write slices in another order than they lie; return them as they lie."""
    pixels = random.integers(0, 4000, (len(depths), 6, 7)).astype(np.uint16)
    for number, (plane, depth) in enumerate(zip(pixels, depths, strict=True)):
        made(
            folder / f"{number}.dcm", plane, InstanceNumber=number, PixelSpacing=[0.5, 0.25],
            ImagePositionPatient=[-10, 20, depth], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            BitsStored=12, **told,
        )  # fmt: skip
    return pixels[np.argsort(depths)]


def test_a_series_is_put_in_order_with_its_place(tmp_path, random):
    pixels = series(tmp_path, random)
    (tmp_path / "notes.txt").write_text("no DICOM")

    image = open_dicom(tmp_path)

    assert (image.axes, image.significant_bits, image.chunks) == ("ZYX", 12, (1, 6, 7))
    assert image.places == {
        "Z": Axis(2.0, 0.0, "millimeter"), "Y": Axis(0.5, 20, "millimeter"),
        "X": Axis(0.25, -10, "millimeter"),
    }  # fmt: skip
    np.testing.assert_array_equal(image.pixels[...], pixels)
    np.testing.assert_array_equal(image.pixels[1:, 2:5, 3], pixels[1:, 2:5, 3])
    again = pickle.loads(pickle.dumps(image.pixels))
    np.testing.assert_array_equal(again[0], pixels[0])
    assert len(image.identity["parts"]) == 2
    assert image.identity["path"] == str(tmp_path)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [("1", "-1024", "i2"), ("1", "0", "u2"), ("1", "1024", "u2"), ("0.5", "-3", "f4"),
     ("1", "0.5", "f4"), ("1", "100000", "u4")],
)  # fmt: skip
def test_values_are_in_the_units_of_the_modality(tmp_path, random, slope, intercept, dtype):
    pixels = series(tmp_path, random, RescaleSlope=slope, RescaleIntercept=intercept)

    image = open_dicom(tmp_path)

    assert image.pixels.dtype == dtype
    assert image.significant_bits == (12 if (slope, intercept) == ("1", "0") else None)
    expected = pixels * np.float64(slope) + np.float64(intercept)
    np.testing.assert_array_equal(image.pixels[...], expected.astype(dtype))


def test_one_file_is_one_plane(tmp_path, random):
    pixels = random.integers(-9, 9, (6, 7)).astype(np.int16)

    image = open_dicom(made(tmp_path / "a.dcm", pixels, PixelSpacing=[2, 3], SliceThickness=4))

    assert (image.axes, image.significant_bits) == ("YX", None)
    assert image.places == {"Y": Axis(2, 0, "millimeter"), "X": Axis(3, 0, "millimeter")}
    np.testing.assert_array_equal(image.pixels[1:4, 2], pixels[1:4, 2])


def test_frames_without_a_position_are_times(tmp_path, random):
    pixels = random.integers(0, 200, (4, 6, 7)).astype(np.uint8)

    image = open_dicom(made(tmp_path / "a.dcm", pixels, NumberOfFrames=4, FrameTime="40"))

    assert (image.axes, image.places["T"]) == ("TYX", Axis(40, 0, "millisecond"))
    np.testing.assert_array_equal(image.pixels[1:3], pixels[1:3])


def test_colours_are_samples(tmp_path, random):
    pixels = random.integers(0, 200, (6, 7, 3)).astype(np.uint8)

    image = open_dicom(made(tmp_path / "a.dcm", pixels, PhotometricInterpretation="RGB"))

    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.pixels[2:, :3], pixels[2:, :3])


def test_white_at_zero_is_turned_over(tmp_path):
    pixels = np.array([[0, 1, 4095]], np.uint16)

    image = open_dicom(
        made(tmp_path / "a.dcm", pixels, PhotometricInterpretation="MONOCHROME1", BitsStored=12)
    )

    assert image.pixels[0].tolist() == [4095, 4094, 0]
    assert "stores white as zero" in image.notes[0]


def test_a_turned_series_keeps_its_directions_and_has_no_origin(tmp_path, random):
    for number in range(3):
        made(
            tmp_path / str(number), np.zeros((6, 7), np.uint8), PixelSpacing=[1, 1],
            ImagePositionPatient=[3 * number, 5, 6], ImageOrientationPatient=[0, 1, 0, 0, 0, 1],
        )  # fmt: skip

    image = open_dicom(tmp_path)

    assert image.places["Z"] == Axis(3.0, 0.0, "millimeter")
    assert image.details["ImageOrientationPatient"] == [0, 1, 0, 0, 0, 1]


def test_uneven_and_mixed_series_are_told(tmp_path, random):
    series(tmp_path, random, (0.0, 2.0, 5.0))
    assert "2 to 3 mm apart" in open_dicom(tmp_path).notes[0]

    made(tmp_path / "other.dcm", np.zeros((6, 7), np.uint8), SeriesInstanceUID="9")
    with pytest.raises(FileError, match="holds 2 DICOM series"):
        open_dicom(tmp_path)


def test_few_slices_are_kept(tmp_path, random, monkeypatch):
    monkeypatch.setattr(dicom, "BUDGET", 2 * 6 * 7 * 2)
    series(tmp_path, random)
    pixels = open_dicom(tmp_path).pixels

    pixels[...]

    assert list(pixels._kept) == [1, 2]


def test_what_is_no_image_is_refused(tmp_path):
    with pytest.raises(FileError, match="holds no DICOM image"):
        open_dicom(tmp_path)
    made(tmp_path / "a", np.zeros((6, 7), np.uint8), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(FileError, match="PALETTE COLOR cannot be read: convert"):
        open_dicom(tmp_path)
    (tmp_path / "a").write_bytes(b"\0" * 128 + b"DICM" + b"broken" * 9)
    assert is_dicom(tmp_path / "a")
    with pytest.raises(FileError, match=r"cannot be read as DICOM|holds no DICOM image"):
        open_dicom(tmp_path)


def test_cut_off_pixels_are_told_where_they_are_read(tmp_path):
    path = made(tmp_path / "a.dcm", np.zeros((60, 70), np.uint16))
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(FileError, match=r"a\.dcm cannot be read as DICOM"):
        open_dicom(path).pixels[...]


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
             "SC_rgb_rle.dcm", "rtdose.dcm", "liver_1frame.dcm", "SC_rgb_small_odd.dcm"]
)  # fmt: skip
def test_real_files_are_read(name):
    if not (REAL / name).is_file():
        pytest.skip(f"this pydicom ships no {name}")
    if name == "liver_1frame.dcm":
        with pytest.raises(FileError, match="1 bits"):
            open_dicom(REAL / name)
        return
    real = pydicom.dcmread(REAL / name)

    image = open_dicom(REAL / name)

    slope, intercept = real.get("RescaleSlope", 1), real.get("RescaleIntercept", 0)
    expected = real.pixel_array * float(slope) + float(intercept)
    np.testing.assert_array_equal(image.pixels[...], expected)
    spacing = real.get("PixelSpacing")
    if spacing:
        assert [image.places[letter].size for letter in "YX"] == list(map(float, spacing))
