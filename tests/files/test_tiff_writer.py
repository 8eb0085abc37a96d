"""A TIFF is written in the form of its source, with its metadata."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files import tiff_writer
from napari_sr.files.image import Density, ImageFile, Samples
from napari_sr.files.tiff_reader import read_tiff
from napari_sr.files.tiff_writer import kind_for, losses, write_tiff


def there_and_back(tmp_path, image, name="a.tif"):
    write_tiff(image, tmp_path / "unfinished", tmp_path / name)
    return read_tiff(tmp_path / "unfinished")


def enlarged(source, scale=2):
    pixels = source.pixels
    for axis in (source.axes.index("Y"), source.axes.index("X")):
        pixels = np.repeat(pixels, scale, axis)
    return source.enlarged(pixels, scale, "us")


def test_imagejs_metadata_survive_and_the_resolution_grows(tmp_path, random):
    metadata = {
        "axes": "TZCYX",
        "unit": "micron",
        "spacing": 0.5,
        "finterval": 2.5,
        "mode": "composite",
        "Labels": [f"plane {index}" for index in range(12)],
        "Ranges": (0.0, 100.0, 5.0, 200.0),
        "LUTs": [np.full((3, 256), value, np.uint8) for value in (3, 7)],
    }
    pixels = random.integers(0, 60_000, (2, 3, 2, 5, 7)).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "in.tif", pixels, imagej=True, resolution=(10, 8), metadata=metadata
    )

    again = there_and_back(tmp_path, enlarged(read_tiff(tmp_path / "in.tif")))

    assert (again.kind, again.axes, again.pixels.shape) == ("imagej", "TZCYX", (2, 3, 2, 10, 14))
    assert again.density == Density(20, 16, "micron")
    for key in ("unit", "spacing", "finterval", "mode", "Labels", "Ranges"):
        assert again.details[key] == metadata[key]
    np.testing.assert_array_equal(again.details["LUTs"], metadata["LUTs"])


def test_an_imagej_image_in_false_colours_stays_one(tmp_path):
    table = np.arange(768, dtype=np.uint16).reshape(3, 256)
    pixels = np.array([[0, 7]], np.uint8)
    tifffile.imwrite(
        tmp_path / "in.tif", pixels, photometric="palette", colormap=table, imagej=True
    )

    again = there_and_back(tmp_path, enlarged(read_tiff(tmp_path / "in.tif")))

    assert again.kind == "imagej"
    np.testing.assert_array_equal(again.details["colormap"], table)


def test_omes_metadata_survive_and_the_pixels_shrink(tmp_path):
    metadata = {
        "axes": "CZYX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.25,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 3.0,
        "Channel": {"Name": ["DAPI", "GFP"]},
        "Plane": {"DeltaT": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]},
    }
    pixels = np.zeros((2, 3, 5, 7), np.float32)
    tifffile.imwrite(tmp_path / "in.ome.tif", pixels, metadata=metadata)

    again = there_and_back(tmp_path, enlarged(read_tiff(tmp_path / "in.ome.tif")))

    assert (again.kind, again.axes, again.pixels.shape) == ("ome", "CZYX", (2, 3, 10, 14))
    changed = {"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.125}
    assert {"axes": "CZYX", "Name": "Image0", **metadata, **changed} == {
        "axes": "CZYX",
        **again.details,
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
def test_a_plain_stack_keeps_axes_type_words_and_resolution(tmp_path, dtype):
    pixels = np.zeros((3, 5, 7), dtype)
    tifffile.imwrite(
        tmp_path / "in.tif", pixels, photometric="minisblack", resolution=(300, 200),
        resolutionunit="inch", metadata={"axes": "TYX", "dye": "GFP"}, compression="zlib",
    )  # fmt: skip

    again = there_and_back(tmp_path, enlarged(read_tiff(tmp_path / "in.tif"), 3))

    assert (again.axes, again.pixels.dtype) == ("TYX", dtype)
    assert again.density == Density(900, 600, "inch")
    assert again.details == {"dye": "GFP"}
    assert again.compression == "zlib"


def test_a_description_in_any_letters_survives(tmp_path):
    image = ImageFile(np.zeros((2, 2), np.uint8), "YX", details={"description": "10 \xb5m"})

    write_tiff(image, tmp_path / "a.tif", tmp_path / "a.tif")

    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.tags["ImageDescription"].value == "10 \xb5m"


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_alpha_keeps_its_meaning(tmp_path, random, alpha):
    pixels = random.integers(0, 255, (5, 7, 4)).astype(np.uint16)
    pixels[..., 3] = 65_535

    again = there_and_back(tmp_path, ImageFile(pixels, "YXS", alpha=alpha, profile=b"profile!"))

    assert (again.axes, again.alpha, again.profile) == ("YXS", alpha, b"profile!")
    np.testing.assert_array_equal(again.pixels, pixels)


def test_grey_and_alpha_stay_two_samples(tmp_path, random):
    grey, alpha = random.integers(0, 255, (2, 5, 7)).astype(np.uint8)
    image = ImageFile(np.stack([grey, grey, grey, alpha], -1), "YXS", grey_alpha=True)

    again = there_and_back(tmp_path, image)

    assert again.grey_alpha
    np.testing.assert_array_equal(again.pixels, image.pixels)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
@pytest.mark.parametrize("axes", ["CYX", "TCYX"])
def test_bands_lie_where_the_file_had_them(tmp_path, random, planar, photometric, axes):
    samples = Samples("C", photometric, (0,) if photometric == "rgb" else (0, 0, 0), planar)
    pixels = random.integers(0, 255, (3, 4, 5, 7)[4 - len(axes) :]).astype(np.uint16)

    again = there_and_back(tmp_path, ImageFile(pixels, axes, samples=samples))

    assert (again.axes, again.samples) == (axes, samples)
    np.testing.assert_array_equal(again.pixels, pixels)
    with tifffile.TiffFile(tmp_path / "unfinished") as file:
        page = file.pages.first
        assert (page.photometric.name, page.samplesperpixel) == (photometric.upper(), 4)
        assert page.planarconfig == (2 if planar else 1)


@pytest.mark.parametrize(("bits", "dtype"), [(9, "u2"), (12, "u2"), (15, "u2"), (24, "u4")])
def test_few_bits_stay_few_in_plain_files_and_in_ome(tmp_path, bits, dtype):
    pixels = np.array([[0, 1], [2**bits - 2, 2**bits - 1]], dtype)
    image = ImageFile(pixels, "YX", significant_bits=bits, compression="zlib")

    for name in ("a.tif", "a.ome.tif"):
        again = there_and_back(tmp_path, image, name)

        assert again.significant_bits == bits
        np.testing.assert_array_equal(again.pixels, pixels)


def test_an_acquisition_date_survives(tmp_path):
    metadata = {"axes": "YX", "AcquisitionDate": "2026-01-02T03:04:05"}
    tifffile.imwrite(tmp_path / "in.ome.tif", np.zeros((5, 7), np.uint8), metadata=metadata)

    again = there_and_back(tmp_path, enlarged(read_tiff(tmp_path / "in.ome.tif")))

    assert again.details["AcquisitionDate"] == "2026-01-02T03:04:05"


def test_white_stays_zero_where_it_was(tmp_path):
    again = there_and_back(
        tmp_path, ImageFile(np.zeros((2, 2), np.uint8), "YX", white_is_zero=True)
    )

    assert again.white_is_zero


def test_a_name_in_ome_makes_an_ome_file_of_imagejs(tmp_path):
    details = {"spacing": 0.5, "unit": "micron", "finterval": 2.0}
    image = ImageFile(
        np.zeros((3, 5, 7), np.uint16), "ZYX", Density(4, 4, "micron"), kind="imagej",
        details=details,
    )  # fmt: skip

    again = there_and_back(tmp_path, image, "a.ome.tif")

    assert again.kind == "ome"
    assert again.details["PhysicalSizeX"] == pytest.approx(0.25)
    assert again.details["PhysicalSizeZ"] == pytest.approx(0.5)
    assert again.details["TimeIncrement"] == 2.0


@pytest.mark.parametrize(
    ("kind", "axes", "shape", "dtype"),
    [
        ("imagej", "IYX", (3, 5, 7), np.uint16),
        ("imagej", "CZYX", (3, 2, 5, 7), np.uint16),
        ("imagej", "ZYX", (3, 5, 7), np.float64),
        ("imagej", "YXS", (5, 7, 3), np.uint16),
        ("ome", "IYX", (3, 5, 7), np.uint16),
        ("ome", "ZYX", (3, 5, 7), np.float16),
    ],
)
def test_what_a_manner_cannot_hold_is_written_plainly_and_told(tmp_path, kind, axes, shape, dtype):
    image = ImageFile(np.zeros(shape, dtype), axes, kind=kind)

    (told,) = losses(image, tmp_path / "a.tif", 2)
    again = there_and_back(tmp_path, image)

    assert f"{axes} of this size: only axes and resolution are kept" in told
    assert (again.kind, again.axes, again.pixels.dtype) == ("plain", axes, dtype)


def test_regions_of_imagej_are_told_to_be_left_out(tmp_path):
    image = ImageFile(np.zeros((2, 2), np.uint8), "YX", kind="imagej", details={"ROI": b"?"})

    (told,) = losses(image, tmp_path / "a.tif", 2)

    assert "regions and overlays are left out" in told


def test_what_does_not_fit_into_32_bits_becomes_a_bigtiff(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_writer, "CLASSIC_LIMIT", 1000)
    small = ImageFile(np.zeros((10, 10), np.uint8), "YX", kind="imagej")
    large = ImageFile(np.zeros((40, 40), np.uint8), "YX", kind="imagej")

    for image in (small, large):
        write_tiff(image, tmp_path / f"{image.pixels.size}.tif", tmp_path / "a.tif")

    assert kind_for(small, tmp_path / "a.tif", 2) == "imagej"
    assert kind_for(small, tmp_path / "a.tif", 4) == "plain"
    with tifffile.TiffFile(tmp_path / "100.tif") as file:
        assert not file.is_bigtiff
    with tifffile.TiffFile(tmp_path / "1600.tif") as file:
        assert file.is_bigtiff
